import ArgumentParser
import UD2MRuntime

/// How networks trade rounding error for speed and memory, as `--precision` says it. The CPU and GPUs have precisions of
/// their own; ``default`` and ``strict`` are both's.
enum PrecisionChoice: String, ExpressibleByArgument, CaseIterable, Sendable {
    case `default`
    case strict
    case halfWeights = "fp16-weights"
    case fp16
    case bf16
    case fp32

    /// The CPU's; nil for a precision of GPUs.
    var cpu: Precision? {
        switch self {
        case .default: .standard
        case .strict: .strict
        case .halfWeights: .halfWeights
        case .fp16, .bf16, .fp32: nil
        }
    }

    /// A GPU's; nil for a precision of the CPU.
    var cuda: DeviceElement? {
        switch self {
        case .default, .fp16: .f16
        case .bf16: .bf16
        case .strict, .fp32: .f32
        case .halfWeights: nil
        }
    }
}
