import UD2MFormats
import UD2MRuntime

/// FID and KID between two folders, or FID against statistics.
struct DistributionRun {
    let metrics: Set<EvaluationMetric>
    let options: EvaluationNetworkOptions
    let extraction: FeatureExtraction

    /// What the sets of images gave.
    struct Result {
        var fid: Double?
        var kid: (value: KernelDistance.Value, settings: KernelDistance)?
        /// Vectors of each set; nil where statistics do not say.
        var restoredCount: Int
        var referenceCount: Int?
        var featureLength: Int
        var referenceStatistics: FeatureStatistics?
        var failures: [(path: String, error: UD2MError)]
    }

    /// Runs the network over both sets and compares what it gives.
    /// - Throws: ``UD2MFormats/UD2MError``, `feature-count` for sets that are too small among others.
    func run(_ restored: ImageSet, _ reference: ImageSet?, _ progress: any ProgressSink) throws -> Result {
        // A file that cannot be used is told before hours of work.
        let given = try options.referenceStatistics.map { try StatisticsFile.read($0) }
        let shared = SharedProgress(
            progress, total: restored.items.count + (reference?.items.count ?? 0), label: "features")
        let keeps = metrics.contains(.kid)
        let left = try extraction.run(restored, keepsFeatures: keeps) { shared.add(1) }
        let right = try reference.map { try extraction.run($0, keepsFeatures: keeps) { shared.add(1) } }

        var result = Result(
            restoredCount: left.accumulator?.count ?? 0, referenceCount: right?.accumulator?.count,
            featureLength: left.accumulator?.length ?? 0, failures: left.failures + (right?.failures ?? []))
        guard left.imageCount > 0, right.map({ $0.imageCount > 0 }) ?? true else {
            if let first = result.failures.first { throw first.error }
            return result
        }
        if metrics.contains(.fid), let statistics = try given ?? right?.statistics() {
            result.fid = try FrechetDistance.distance(try left.statistics(), statistics)
            result.referenceStatistics = statistics
        }
        if metrics.contains(.kid), let right {
            let (a, b) = try (left.tensor(), right.tensor())
            var settings = KernelDistance()
            settings.seed = options.kidSeed ?? settings.seed
            settings.subsetSize = options.kidSubsetSize ?? min(settings.subsetSize, a.shape[0], b.shape[0])
            settings.subsets = options.kidSubsets ?? settings.subsets
            // A subset that is all of both sets is always the same one.
            if a.shape[0] == settings.subsetSize, b.shape[0] == settings.subsetSize { settings.subsets = 1 }
            result.kid = (try settings.distance(a, b), settings)
        }
        return result
    }
}
