import ArgumentParser
import UD2MRuntime

/// What `ud2m evaluate` measures.
enum EvaluationMetric: String, CaseIterable, Encodable {
    case psnr
    case ssim
    case lpips
    case fid
    case kid

    /// Whether it compares an image with the image of the same name; the others compare whole sets.
    var isPaired: Bool { self != .fid && self != .kid }
}

/// The value of `--metrics`: names with commas between.
struct MetricList: ExpressibleByArgument {
    let metrics: Set<EvaluationMetric>

    init?(argument: String) {
        let names = argument.split(separator: ",", omittingEmptySubsequences: false)
        let metrics = names.compactMap { EvaluationMetric(rawValue: String($0)) }
        guard !metrics.isEmpty, metrics.count == names.count else { return nil }
        self.metrics = Set(metrics)
    }

    static var allValueStrings: [String] { EvaluationMetric.allCases.map(\.rawValue) }
}

extension LPIPSDistance.Convention: ExpressibleByArgument {}
extension ImageMetrics.Border: ExpressibleByArgument {}
extension InceptionPipeline: ExpressibleByArgument {}
