import UD2MFormats
import UD2MRuntime

/// Where networks run, once it is known what is there.
enum ComputeTarget: Sendable {
    case cpu(CPUOptions, Precision)
    case cuda(CUDAContext, DeviceElement)

    /// "cpu" or "cuda:0", as reports say it.
    var name: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let context, _): "cuda:\(context.device.ordinal)"
        }
    }

    /// The GPU's name; nil for the CPU.
    var deviceName: String? { if case .cuda(let context, _) = self { context.device.name } else { nil } }

    var isCPU: Bool { if case .cpu = self { true } else { false } }

    /// What results depend on.
    var arithmetic: String {
        switch self {
        case .cpu(_, let precision): "\(precision)"
        case .cuda(let context, let element):
            ([element.precisionName] + context.acceleratorVersions).reduce("cuda") { "\($0) \($1)" }
        }
    }

    /// The precision as reports say it.
    var precisionName: String {
        switch self {
        case .cpu(_, let precision): precision.rawValue
        case .cuda(_, let element): element.precisionName
        }
    }

    /// Loads the network of a store: that of an architecture, or nil for what the store says, with adapters merged into its
    /// weights. `prefix` stands before the names of its tensors.
    /// - Throws: As ``UD2MRuntime/Network``'s initialiser, and `algorithms-file`.
    func network(
        _ store: WeightStore, architecture: ArchitectureConfiguration? = nil, merging adapters: [AdapterSelection] = [],
        prefix: String = ""
    ) throws -> any RunnableNetwork {
        guard let architecture = architecture ?? store.architecture else {
            throw UD2MError(
                .networkConfiguration, "The file does not say which network it holds.",
                at: .init(file: store.path), remedy: "Convert it with ud2m-convert.")
        }
        switch self {
        case .cpu(let cpu, let precision):
            return try cpu.withAlgorithms {
                try Network(
                    store: store, architecture: architecture, threads: cpu.threads, precision: precision,
                    algorithms: $0, merging: adapters, prefix: prefix)
            }
        case .cuda(let context, let element):
            return try CUDANetwork(
                store: store, architecture: architecture, context: context, element: element, merging: adapters,
                prefix: prefix)
        }
    }

    /// Loads a RAM network: that of a configuration, or nil for what the store says. `prefix` stands before the names of its
    /// tensors. None of its algorithms are measured. On a GPU, its operators stay on the CPU.
    /// - Throws: As ``UD2MRuntime/RAMNetwork``'s initialisers.
    func ramNetwork(
        _ store: WeightStore, configuration: RAMConfiguration? = nil, prefix: String = ""
    ) throws -> RAMNetwork {
        guard let configuration = configuration ?? store.ramConfiguration else {
            throw UD2MError(
                .networkConfiguration, "The file does not hold a RAM network.", at: .init(file: store.path),
                remedy: "Convert one with ud2m-convert.")
        }
        switch self {
        case .cpu(let cpu, let precision):
            return try RAMNetwork(
                store: store, configuration: configuration, prefix: prefix, threads: cpu.threads,
                precision: precision)
        case .cuda(let context, let element):
            return try RAMNetwork(
                store: store, configuration: configuration, prefix: prefix, context: context, element: element)
        }
    }
}

extension WeightStore {
    fileprivate var ramConfiguration: RAMConfiguration? {
        if case .ram(let configuration) = architecture { configuration } else { nil }
    }
}

extension DeviceElement {
    /// As `--precision` says it.
    var precisionName: String {
        switch self {
        case .f16: "fp16"
        case .bf16: "bf16"
        case .f32: "fp32"
        }
    }
}
