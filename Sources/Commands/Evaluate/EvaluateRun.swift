import UD2MFormats
import UD2MLinearAlgebra
import UD2MRuntime

/// The work of `ud2m evaluate`.
struct EvaluateRun {
    let restored: String
    let reference: String?
    let metrics: Set<EvaluationMetric>
    let border: ImageMetrics.Border
    let networks: EvaluationNetworkOptions
    let csv: String?
    let cpu: CPUOptions
    let precision: Precision
    let overwrite: Bool

    /// Measures everything and writes the files asked for.
    /// - Throws: ``UD2MFormats/UD2MError``; for two files also what is wrong with either. Images of folders that cannot
    ///   be measured are in the report instead.
    func execute(progress: any ProgressSink) throws -> EvaluateReport {
        BLASThreads.set(cpu.threads)
        let left = try ImageSet(restored)
        let right = try reference.map { try ImageSet($0) }
        let isPaired = metrics.contains(where: \.isPaired)
        let pairs = try isPaired ? right.map { try ImagePair.pairs(left, $0) } ?? [] : []
        for set in [left, right].compactMap(\.self) where !isPaired || metrics.contains(where: { !$0.isPaired }) {
            try requireFolder(set)
        }
        let inputs =
            [networks.lpips, networks.inception, networks.referenceStatistics].compactMap(\.self)
            + left.items.map(\.path) + (right?.items.map(\.path) ?? [])
        let outputs = try OutputSet(
            [csv, networks.saveStatistics].compactMap(\.self), overwrite: overwrite, inputs: inputs)

        var report = EvaluateReport(self, left, right)
        let lpips = try loadLPIPS()
        let distribution = try loadDistribution()
        report.settings.lpips = lpips.map { .init($0, store: networks.lpips ?? "") }
        report.images = try measure(pairs, PairMeasurement(metrics: metrics, border: border, lpips: lpips), progress)
        report.summarize(metrics)
        let found = try distribution?.run(left, right, progress)
        if let found { report.add(found, metrics) }
        if let path = networks.saveStatistics, let statistics = found?.referenceStatistics {
            try StatisticsFile.write(statistics, to: path, overwrite: overwrite, inputs: inputs)
        }
        if let csv { try outputs.write([(csv, Array(report.csv(metrics).utf8))]) }
        return report
    }

    private func requireFolder(_ set: ImageSet) throws {
        guard set.isFolder else {
            throw UD2MError(.evaluateKinds, "FID and KID compare folders of images.", at: .init(file: set.path))
        }
    }

    private func loadLPIPS() throws -> LPIPSMetric? {
        guard metrics.contains(.lpips), let path = networks.lpips else { return nil }
        return try LPIPSMetric(
            store: StoreInput.open(path), convention: networks.lpipsConvention ?? .lpips, threads: cpu.threads,
            precision: precision)
    }

    private func loadDistribution() throws -> DistributionRun? {
        guard metrics.contains(where: { !$0.isPaired }), let path = networks.inception else { return nil }
        let store = try StoreInput.open(path)
        guard case .inception = store.architecture else {
            throw UD2MError(
                .networkConfiguration, "The store holds no Inception network.", at: .init(file: path),
                remedy: "Convert pt_inception-2015-12-05-6726825d.pth with ud2m-convert.")
        }
        let network = try cpu.withAlgorithms {
            try Network(store: store, threads: cpu.threads, precision: precision, algorithms: $0)
        }
        return DistributionRun(
            metrics: metrics, options: networks,
            extraction: FeatureExtraction(pipeline: networks.pipeline, patchSize: networks.fidPatches) { image in
                let outputs = try network.run(["x": image])
                guard let features = outputs["out"] else {
                    throw UD2MError(.outputMissing, "The network gave no features.")
                }
                return features
            })
    }

    /// Measures pairs on a few threads; one that fails is recorded, unless it is the only one asked for.
    private func measure(
        _ pairs: [ImagePair], _ measurement: PairMeasurement, _ progress: any ProgressSink
    ) throws -> [EvaluateReport.Item] {
        guard !pairs.isEmpty else { return [] }
        let isSingle = reference.map { (try? ImageSet($0).isFolder) == false } ?? false
        let shared = SharedProgress(progress, total: pairs.count, label: "images")
        // The network of LPIPS takes turns and holds the activations of two images for each thread.
        let limit = measurement.lpips != nil ? 2 : cpu.threads == 0 ? 8 : cpu.threads
        return try Parallel.map(pairs, limit: limit, finished: { _ in shared.add(1) }) { pair in
            do {
                return EvaluateReport.Item(pair, try measurement.measure(pair))
            } catch let error as UD2MError where !isSingle && ![.internalBug, .retry].contains(error.code.category) {
                return EvaluateReport.Item(pair, error)
            }
        }
    }
}
