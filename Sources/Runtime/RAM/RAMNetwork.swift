import CUD2MKernels
import Synchronization
import UD2MFormats

/// The RAM network with its weights: restores images from what a linear operator shows of them.
///
/// Follows one of two implementations that disagree around the same network (``UD2MFormats/RAMConfiguration/Flavour``);
/// both restore a batch image by image, so a result depends neither on the batch nor on the number of threads. Images
/// are on the scale [0, 1], though nothing is clamped. The weights of the first channel count that is asked for are
/// packed then, and those of another one beside them.
public final class RAMNetwork: Sendable {
    /// The network's shape, and the flavour it follows unless another is asked for.
    public let configuration: RAMConfiguration
    private let store: WeightStore
    /// The threads that a run uses.
    public let threads: Int
    private let backend: Backend
    private let prefix: String
    private let trust: Double
    private let networks = Mutex<[Int: any NetworkRunner]>([:])

    /// What the networks inside run on.
    private enum Backend: Sendable {
        case processor(AlgorithmPolicy)
        case device(CUDAContext, DeviceElement)
    }

    /// Opens the RAM network that a store holds, to run on `threads` threads; 0 means one a processor.
    /// - Throws: `UD2MError`: `network-configuration` for a store of another network, `weight-missing`, `weight-shape` or
    ///   `weight-type` with the tensor's name, `instruction-set` for a bad `UD2M_ISA`.
    public convenience init(
        store: WeightStore, threads: Int = 0, precision: Precision = .standard
    ) throws {
        guard case .ram(let configuration) = store.architecture else { throw Self.otherNetwork(store) }
        try self.init(
            store: store, configuration: configuration, threads: threads, precision: precision)
    }

    /// Opens the RAM network that a store holds, to run its layers on a device; operators stay on the CPU.
    /// - Throws: as ``init(store:threads:precision:)``, and `cuda-failed`.
    public convenience init(store: WeightStore, device: CUDADevice, element: DeviceElement = .f16) throws {
        guard case .ram(let configuration) = store.architecture else { throw Self.otherNetwork(store) }
        try self.init(store: store, configuration: configuration, device: device, element: element)
    }

    private static func otherNetwork(_ store: WeightStore) -> UD2MError {
        UD2MError(
            .networkConfiguration, "The file does not hold a RAM network.", at: .init(file: store.path),
            remedy: "Convert one with ud2m-convert.")
    }

    /// Opens a RAM network of a given shape on a device.
    /// - Throws: as ``init(store:device:element:)``.
    public convenience init(
        store: WeightStore, configuration: RAMConfiguration, prefix: String = "", device: CUDADevice,
        element: DeviceElement = .f16
    ) throws {
        try self.init(
            store: store, configuration: configuration, prefix: prefix, threads: 0,
            backend: .device(CUDAContext(device), element))
    }

    /// Opens a RAM network of a given shape on a device that is open.
    package convenience init(
        store: WeightStore, configuration: RAMConfiguration, prefix: String = "", context: CUDAContext,
        element: DeviceElement = .f16
    ) throws {
        try self.init(
            store: store, configuration: configuration, prefix: prefix, threads: 0, backend: .device(context, element))
    }

    /// Opens a RAM network of a given shape, whose tensors have `prefix` before their names.
    /// - Throws: as ``init(store:threads:precision:)``.
    public convenience init(
        store: WeightStore, configuration: RAMConfiguration, prefix: String = "", threads: Int = 0,
        precision: Precision = .standard
    ) throws {
        try InstructionSet.requireWanted()
        try self.init(
            store: store, configuration: configuration, prefix: prefix, threads: threads,
            backend: .processor(AlgorithmPolicy(precision: precision)))
    }

    private init(
        store: WeightStore, configuration: RAMConfiguration, prefix: String, threads: Int, backend: Backend
    ) throws {
        do {
            let sources = try PackedWeights.checkedSources(configuration.requiredWeights) {
                store.tensor(TensorName(prefix + $0))
            }
            trust = Double(try sources[RAMConfiguration.trustTensor]?.floats().first ?? 1)
        } catch let error as UD2MError {
            throw error.located(in: .init(file: store.path))
        }
        self.store = store
        self.backend = backend
        self.configuration = configuration
        self.prefix = prefix
        self.threads = threads == 0 ? Int(ud2m_available_processors()) : threads
    }

    /// Restores the images of a problem.
    /// - Parameters:
    ///   - problem: observations, operators and noise levels.
    ///   - flavour: whose semantics to follow; nil for that of the configuration.
    /// - Returns: [N, C, H, W], not clamped.
    /// - Throws: as ``run(_:flavour:taps:profile:)``.
    public func restore(_ problem: RAMProblem, flavour: RAMConfiguration.Flavour? = nil) throws -> Tensor {
        guard let image = try run(problem, flavour: flavour)["out"] else {
            throw UD2MError(.graphInvalid, "The network gave no output.")
        }
        return image
    }

    /// Restores the images of a problem and returns inner activations as well.
    /// - Parameters:
    ///   - problem: observations, operators and noise levels.
    ///   - flavour: whose semantics to follow; nil for that of the configuration.
    ///   - taps: names of PyTorch modules, such as `m_body`, and `realigned`, the padded image that fits the
    ///     observations.
    ///   - profile: where the times of the network's operations are added.
    /// - Returns: `out`, [N, C, H, W], and each tap, of the padded size and before the result's rescaling.
    /// - Throws: `UD2MError`: `input-shape` or `input-range` with `y`, `sigma` or `gain` as the location's tensor, the
    ///   operators' errors, `tap-unknown`, and ``Network``'s errors.
    public func run(
        _ problem: RAMProblem, flavour: RAMConfiguration.Flavour? = nil, taps: [String] = [],
        profile: OperationProfile? = nil
    ) throws -> [String: Tensor] {
        let count = try problem.checkedCount()
        var results: [String: [Tensor]] = [:]
        for index in 0..<count {
            let start = try RAMStart(
                problem.item(index), flavour: flavour ?? configuration.flavour, trust: trust)
            for (name, tensor) in try run(start, taps: taps, profile) { results[name, default: []].append(tensor) }
        }
        return try results.mapValues { try Tensor.batch($0) }
    }

    /// Bytes of memory that the networks of the channel counts that have run hold: packed weights and arenas.
    public var memoryInUse: Int { networks.withLock { $0.values.reduce(0) { $0 + $1.memoryInUse } } }

    /// The floating-point operations a second that the threads reach at most, measured now; nil on a GPU, and before the
    /// first run.
    public var peakOperations: Double? {
        let network = networks.withLock { $0.values.lazy.compactMap { $0 as? Network }.first }
        return network?.peakOperations
    }

    /// Runs the network on one image.
    private func run(_ start: RAMStart, taps: [String], _ profile: OperationProfile?) throws -> [String: Tensor] {
        let network = try network(imageChannels: start.realigned.shape[1])
        var inputs = ["x": start.conditioned]
        var external: [String: ExternalFunction] = [:]
        for (scale, embedding) in start.embeddings.enumerated() {
            inputs[RAMConfiguration.krylovInput(scale: scale)] = embedding
            let krylov = KrylovEmbedding(start.stack, scale: scale)
            external[RAMConfiguration.krylovOperation(scale: scale)] = { decoded, _ in
                try krylov.embedding(of: decoded[0], parts: 2)
            }
        }
        var results = try network.run(
            inputs, taps: taps.filter { $0 != "realigned" }, adapters: .none, external: external, profile: profile)
        results["out"] = try results["out"].map {
            try start.stack.padding.crop($0).scaled(by: start.rescaling)
        }
        if taps.contains("realigned") { results["realigned"] = start.realigned }
        return results
    }

    /// The network with the head and tail of a channel count.
    private func network(imageChannels: Int) throws -> any NetworkRunner {
        guard configuration.imageChannels.contains(imageChannels) else {
            let counts = configuration.imageChannels.map(String.init).joined(separator: ", ")
            throw RAMProblem.error(
                .inputShape, "y", "The network restores images of \(counts) channels, not of \(imageChannels).")
        }
        return try networks.withLock { networks in
            if let network = networks[imageChannels] { return network }
            let network = try load(imageChannels: imageChannels)
            networks[imageChannels] = network
            return network
        }
    }

    private func load(imageChannels: Int) throws -> any NetworkRunner {
        let inputs = configuration.networkInputs(imageChannels: imageChannels)
        switch backend {
        case .processor(let policy):
            return try Network(
                store: store, graph: configuration.graph(imageChannels: imageChannels), inputs: inputs,
                outputChannels: imageChannels, sizeMultiple: configuration.sizeMultiple, threads: threads,
                policy: policy, prefix: prefix)
        case .device(let context, let element):
            return try CUDANetwork(
                store: store, graph: configuration.graph(imageChannels: imageChannels), inputs: inputs,
                outputChannels: imageChannels, sizeMultiple: configuration.sizeMultiple, context: context,
                element: element, prefix: prefix)
        }
    }
}
