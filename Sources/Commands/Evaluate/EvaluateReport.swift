import UD2MFormats
import UD2MRuntime

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The result of `ud2m evaluate` (`schemas/evaluate.schema.json`).
struct EvaluateReport: Encodable {
    /// One image, measured or not.
    struct Item: Encodable {
        let name: String
        let restored: String
        let reference: String
        var width: Int?
        var height: Int?
        var psnr: ReportNumber?
        var ssim: ReportNumber?
        var lpips: ReportNumber?
        var error: ErrorReport.Body?
        /// What `error` says, for text.
        var failure: UD2MError?

        enum CodingKeys: CodingKey {
            case name, restored, reference, width, height, psnr, ssim, lpips, error
        }
    }

    /// A metric over all images that were measured.
    ///
    /// The PSNR of an image that equals its reference is infinite and would make mean and deviation meaningless: such
    /// images are counted, and mean and deviation are those of the others.
    struct Summary: Encodable {
        /// Nil, and null in JSON, when every image equals its reference.
        let mean: ReportNumber?
        /// The sample deviation; nil, and left out of JSON, for fewer than two images.
        let deviation: ReportNumber?
        /// The images that were measured.
        let count: Int
        /// Those among them that equal their reference; nil for metrics that are finite then.
        let identical: Int?

        enum CodingKeys: CodingKey {
            case mean, deviation, count, identical
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(mean, forKey: .mean)
            try container.encodeIfPresent(deviation, forKey: .deviation)
            try container.encode(count, forKey: .count)
            try container.encodeIfPresent(identical, forKey: .identical)
        }
    }

    struct Settings: Encodable {
        struct LPIPS: Encodable {
            let store: String
            let convention: String
            let trunk: String
            let version: String
        }

        struct Inception: Encodable {
            let store: String
            let pipeline: InceptionPipeline
            let patchSize: Int?
        }

        let ssimBorder: String
        var lpips: LPIPS?
        var inception: Inception?
    }

    struct Frechet: Encodable {
        let value: ReportNumber
        /// Feature vectors of each side: images, or their patches.
        let restoredCount: Int
        let referenceCount: Int?
    }

    struct Kernel: Encodable {
        let mean: ReportNumber
        let deviation: ReportNumber
        let subsets: Int
        let subsetSize: Int
        let seed: UInt64
        let restoredCount: Int
        let referenceCount: Int?
    }

    /// An image that features could not be taken of.
    struct Failure: Encodable {
        let path: String
        let error: ErrorReport.Body
        /// What `error` says, for text.
        let failure: UD2MError

        enum CodingKeys: CodingKey {
            case path, error
        }
    }

    let tool = "ud2m evaluate"
    let version = Version.current
    let restored: String
    let reference: String?
    let referenceStatistics: String?
    let savedStatistics: String?
    let csv: String?
    let metrics: [EvaluationMetric]
    var settings: Settings
    var images: [Item] = []
    var summary: [String: Summary] = [:]
    var fid: Frechet?
    var kid: Kernel?
    var failures: [Failure] = []
    var notes: [String] = []

    enum CodingKeys: CodingKey {
        case tool, version, restored, reference, referenceStatistics, savedStatistics, csv, metrics, settings, images
        case summary, fid, kid, failures, notes
    }
}

extension EvaluateReport {
    /// A report without results.
    init(_ run: EvaluateRun, _ left: ImageSet, _ right: ImageSet?) {
        let networks = run.networks
        let measuresSets = run.metrics.contains { !$0.isPaired }
        self.init(
            restored: run.restored, reference: run.reference, referenceStatistics: networks.referenceStatistics,
            savedStatistics: networks.saveStatistics, csv: run.csv,
            metrics: EvaluationMetric.allCases.filter(run.metrics.contains),
            settings: Settings(
                ssimBorder: run.border.rawValue,
                inception: measuresSets
                    ? networks.inception.map {
                        .init(store: $0, pipeline: networks.pipeline, patchSize: networks.fidPatches)
                    } : nil))
        for set in [left, right].compactMap(\.self) where !set.skipped.isEmpty {
            let names = set.skipped.prefix(5).map(\.escapedForDisplay).joined(separator: ", ")
            let more = set.skipped.count > 5 ? " and \(set.skipped.count - 5) more" : ""
            notes.append("\(set.path.escapedForDisplay): no images, left out: \(names)\(more).")
        }
    }

    /// Takes the results over sets.
    mutating func add(_ found: DistributionRun.Result, _ metrics: Set<EvaluationMetric>) {
        failures = found.failures.map {
            Failure(path: $0.path, error: ErrorReport($0.error).error, failure: $0.error)
        }
        fid = found.fid.map {
            Frechet(
                value: ReportNumber($0), restoredCount: found.restoredCount, referenceCount: found.referenceCount)
        }
        kid = found.kid.map {
            Kernel(
                mean: ReportNumber($0.value.mean), deviation: ReportNumber($0.value.deviation),
                subsets: $0.settings.subsets, subsetSize: $0.settings.subsetSize, seed: $0.settings.seed,
                restoredCount: found.restoredCount, referenceCount: found.referenceCount)
        }
        let smallest = min(found.restoredCount, found.referenceCount ?? .max)
        if fid != nil, smallest <= found.featureLength {
            notes.append(
                "FID of \(smallest) images with \(found.featureLength) features: the covariance is singular and FID is "
                    + "biased upwards; compare it only with FIDs of as many images.")
        }
    }

    /// The errors of all images, each once.
    var errors: [UD2MError] {
        let paired = images.compactMap(\.failure)
        return paired + failures.map(\.failure).filter { !paired.contains($0) }
    }

    /// 0; 3 when some images failed; the first failure's own code when no image could be measured.
    var exitCode: Int32 {
        guard let first = errors.first else { return ExitCodes.success }
        let isEmpty = fid == nil && kid == nil && !images.contains { $0.failure == nil }
        return isEmpty ? ExitCodes.code(for: first.code.category) : ExitCodes.partial
    }
}

extension EvaluateReport.Item {
    /// A measured pair.
    init(_ pair: ImagePair, _ values: PairMeasurement.Values) {
        func number(_ metric: EvaluationMetric) -> ReportNumber? { values.numbers[metric].map(ReportNumber.init) }
        self.init(
            name: pair.name, restored: pair.restored, reference: pair.reference, width: values.width,
            height: values.height, psnr: number(.psnr), ssim: number(.ssim), lpips: number(.lpips))
    }

    /// A pair that could not be measured.
    init(_ pair: ImagePair, _ error: UD2MError) {
        self.init(
            name: pair.name, restored: pair.restored, reference: pair.reference, error: ErrorReport(error).error,
            failure: error)
    }

    /// The value of a metric.
    subscript(_ metric: EvaluationMetric) -> ReportNumber? {
        switch metric {
        case .psnr: psnr
        case .ssim: ssim
        case .lpips: lpips
        case .fid, .kid: nil
        }
    }
}

extension EvaluateReport.Settings.LPIPS {
    init(_ metric: LPIPSMetric, store: String) {
        let trunk =
            switch metric.configuration.trunk {
            case .vgg16: "vgg16"
            case .squeezeNet: "squeezenet"
            }
        self.init(
            store: store, convention: metric.distance.convention.rawValue, trunk: trunk,
            version: metric.configuration.version.rawValue)
    }
}
