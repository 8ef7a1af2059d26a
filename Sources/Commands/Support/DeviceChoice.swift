import ArgumentParser

/// Where networks are to run, as `--device` says it.
enum DeviceChoice: ExpressibleByArgument, Sendable, Hashable {
    /// The first GPU that can be used, or else the CPU.
    case auto
    case cpu
    /// The GPU of a number in the list of `ud2m devices`; nil for the first that can be used.
    case cuda(Int?)

    init?(argument: String) {
        switch argument {
        case "auto": self = .auto
        case "cpu": self = .cpu
        case "cuda": self = .cuda(nil)
        default:
            // Digits alone: Int would take a sign as well.
            guard argument.hasPrefix("cuda:"), case let digits = argument.dropFirst(5),
                !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }),
                let ordinal = Int(digits), ordinal < 1024
            else { return nil }
            self = .cuda(ordinal)
        }
    }

    var defaultValueDescription: String {
        switch self {
        case .auto: "auto"
        case .cpu: "cpu"
        case .cuda(nil): "cuda"
        case .cuda(let ordinal?): "cuda:\(ordinal)"
        }
    }

    /// The number of a GPU; nil where none is given.
    var ordinal: Int? { if case .cuda(let ordinal) = self { ordinal } else { nil } }

    var isCUDA: Bool { if case .cuda = self { true } else { false } }
}
