import ArgumentParser
import UD2MFormats
import UD2MRuntime

/// Which of NVIDIA's libraries may compute products on a GPU, as `--accelerators` says it.
enum AcceleratorChoice: ExpressibleByArgument, Sendable, Hashable {
    /// The program's kernels alone.
    case none
    /// Those that are found.
    case auto
    /// These, which must be there.
    case named(Set<Accelerator>)

    init?(argument: String) {
        switch argument {
        case "none": self = .none
        case "auto": self = .auto
        default:
            let names = argument.split(separator: ",", omittingEmptySubsequences: false)
            let accelerators = names.compactMap { Accelerator(rawValue: String($0)) }
            guard accelerators.count == names.count else { return nil }
            self = .named(Set(accelerators))
        }
    }

    var defaultValueDescription: String {
        switch self {
        case .none: "none"
        case .auto: "auto"
        case .named(let accelerators): accelerators.map(\.rawValue).sorted().joined(separator: ",")
        }
    }

    /// Loads the libraries.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `accelerator-unavailable` where one that is named cannot be used.
    func libraries() throws -> AcceleratorLibraries {
        switch self {
        case .none: return .none
        case .auto: return AcceleratorLibraries(loading: Set(Accelerator.allCases))
        case .named(let wanted):
            let libraries = AcceleratorLibraries(loading: wanted)
            if let missing = libraries.findings.first(where: { $0.version == nil }) {
                throw UD2MError(
                    .acceleratorUnavailable,
                    "\(missing.accelerator.rawValue) cannot be used: \(missing.reason ?? "it is not there").",
                    remedy:
                        "Install it, name its library in \(missing.accelerator.variable), or use --accelerators auto.")
            }
            return libraries
        }
    }
}

extension Accelerator {
    /// The environment variable that names its library.
    fileprivate var variable: String {
        switch self {
        case .cublasLt: "UD2M_CUBLASLT"
        case .cudnn: "UD2M_CUDNN"
        }
    }
}

extension UD2MError.Code {
    /// A library that was asked for by name is not there, or lacks a function.
    static let acceleratorUnavailable = UD2MError.Code("accelerator-unavailable", .unavailable)
}
