import CUD2MKernels
import Synchronization
import UD2MFormats

/// A network with its weights, ready to run on the CPU.
///
/// Memory: kernels of 3×3 convolutions and matrices stay in the mapped store; four bytes a parameter for all other
/// weights, and an arena for the activations of an image, sized by the largest image run so far. Items of a batch run
/// together while their arenas fit 1 GiB, and share the work on the weights. Runs on one network take turns; each uses
/// all of the network's threads. A result depends neither on the number of threads nor on the other items of its batch.
///
/// Adapters change a network for good when it is loaded, or for the items of one run (``adapterSet(_:)``).
public final class Network: NetworkRunner {
    /// The inputs of ``run(_:taps:adapters:profile:)``, all of them required.
    public let inputs: [NetworkInput]
    /// The names of the activations that a run can return, sorted.
    public let tapNames: [String]
    /// The channels of the output.
    public let outputChannels: Int
    /// The multiple that both sides of an image must be of.
    public let sizeMultiple: Int
    /// The threads that a run uses.
    public let threads: Int

    private let store: WeightStore
    private let graph: Graph
    private let runtime: Mutex<Runtime>
    private let sites: WeightSites
    private let merged: CombinedChanges
    /// What stands before the names of the network's tensors in its store.
    private let prefix: String
    package let identity = NetworkIdentity()

    /// The largest side of an image in pixels.
    public static let maximumSide = 16_384

    /// Loads the network that a store says it holds, to run on `threads` threads; 0 means one a processor.
    ///
    /// A precision other than the default trades speed or memory for rounding error; a table of
    /// ``measureAlgorithms(_:)`` replaces the cost model that chooses algorithms. Adapters to be merged change their
    /// weights, in double precision rounded once, while these are packed; a changed 3×3 kernel or matrix takes four bytes
    /// a parameter of memory, where it would have stayed in the mapped store.
    /// - Throws: ``UD2MFormats/UD2MError``: `network-configuration`, or `weight-missing`, `weight-shape`,
    ///   `weight-type` or `weight-range` with the tensor's name, or `memory-exhausted`; `instruction-set` for a bad `UD2M_ISA`; `algorithms-table`
    ///   for a table that is none of this network; for adapters `change-unknown`, `change-shape` or
    ///   `change-not-finite` with the tensor's name.
    public convenience init(
        store: WeightStore, threads: Int = 0, precision: Precision = .standard, algorithms: AlgorithmTable? = nil,
        merging adapters: [AdapterSelection] = []
    ) throws {
        guard let architecture = store.architecture else {
            throw UD2MError(
                .networkConfiguration, "The file does not say which network it holds.",
                at: .init(file: store.path), remedy: "Convert it with ud2m-convert.")
        }
        try self.init(
            store: store, architecture: architecture, threads: threads, precision: precision, algorithms: algorithms,
            merging: adapters)
    }

    /// Loads a network of a given architecture, to run on `threads` threads; 0 means one a processor. `prefix` stands
    /// before the names of its tensors in the store, as in a bundle that holds several networks.
    /// - Throws: as ``init(store:threads:precision:algorithms:merging:)``.
    public convenience init(
        store: WeightStore, architecture: ArchitectureConfiguration, threads: Int = 0,
        precision: Precision = .standard, algorithms: AlgorithmTable? = nil,
        merging adapters: [AdapterSelection] = [], prefix: String = ""
    ) throws {
        if case .ram = architecture {
            throw UD2MError(
                .networkConfiguration, "A RAM network restores images through operators, not tensors alone.",
                at: .init(file: store.path),
                remedy: "Give the store of a diffusion network. RAM runs with ud2m forward, or as RAMNetwork.")
        }
        let definition = try architecture.definition
        try self.init(
            store: store, graph: definition.graph(), inputs: definition.networkInputs,
            outputChannels: definition.outputChannels, sizeMultiple: definition.imageMultiple, threads: threads,
            policy: .init(precision: precision, table: algorithms), merging: adapters, prefix: prefix)
    }

    /// Loads the network of a graph.
    package init(
        store: WeightStore, graph: @autoclosure () throws -> Graph, inputs: [NetworkInput], outputChannels: Int,
        sizeMultiple: Int, threads: Int, policy: AlgorithmPolicy, merging adapters: [AdapterSelection] = [],
        prefix: String = ""
    ) throws {
        try InstructionSet.requireWanted()
        guard (0...256).contains(threads) else {
            throw UD2MError(.inputRange, "\(threads) is no number of threads; use 0 to 256.")
        }
        self.inputs = inputs
        self.outputChannels = outputChannels
        self.sizeMultiple = sizeMultiple
        self.prefix = prefix
        do {
            let graph = try graph()
            try policy.table?.check(for: graph)
            let sites = WeightSites(graph)
            let merged = try CombinedChanges(adapters, sites: sites)
            let runtime = try Runtime(
                graph: graph, threads: threads, policy: policy, adjust: { try merged.applied(to: $1, $0) },
                lookup: { store.tensor(TensorName(prefix + $0)) })
            self.store = store
            self.graph = graph
            self.sites = sites
            self.merged = merged
            self.threads = runtime.threads
            self.runtime = Mutex(runtime)
            tapNames = graph.taps.keys.sorted()
        } catch let error as UD2MError {
            throw error.located(in: .init(file: store.path))
        }
    }

    /// The tensors that a store must hold for an architecture, with their shapes.
    /// - Throws: `network-configuration`.
    public static func requiredWeights(_ architecture: ArchitectureConfiguration) throws -> [WeightRequirement] {
        if case .ram(let configuration) = architecture { return try configuration.requiredWeights }
        let definition = try architecture.definition
        return try definition.graph().weights + definition.companionWeights
    }

    /// Runs the network on a batch.
    /// - Parameters:
    ///   - inputs: a tensor for each of ``inputs``; all have the same batch size N.
    ///   - taps: names of activations to return as well.
    ///   - adapters: what changes the network for the items of this batch.
    ///   - profile: where the times of the operations are added; measuring them costs next to nothing.
    /// - Returns: `out`, [N, ``outputChannels``, H, W] or [N, ``outputChannels``], and each tap under its name:
    ///   [N, C, H, W] for feature maps, [N, C, H·W] inside ADM's attention blocks, [N, C] for vectors.
    /// - Throws: ``UD2MFormats/UD2MError``: `input-missing`, `input-unknown`, `input-shape` or `input-range` with the
    ///   input's name as the location's tensor; `tap-unknown`; `adapter-set`; `memory-exhausted`; `file-changed` when the
    ///   store was written to.
    public func run(
        _ inputs: [String: Tensor], taps: [String] = [], adapters: BatchAdapters = .none,
        profile: OperationProfile? = nil
    ) throws -> [String: Tensor] {
        try run(inputs, taps: taps, adapters: adapters, external: [:], profile: profile)
    }

    /// Runs a network with external operations on a batch; `external` holds a function for the name of each.
    /// - Throws: as ``run(_:taps:adapters:profile:)``; also `input-missing` with the name of an external operation without a function,
    ///   `external-result` when a function's result has a wrong shape, and what the functions throw.
    package func run(
        _ inputs: [String: Tensor], taps: [String] = [], adapters: BatchAdapters = .none,
        external: [String: ExternalFunction], profile: OperationProfile? = nil
    ) throws -> [String: Tensor] {
        let request = try RunRequest(network: self, inputs: inputs, taps: taps, adapters: adapters)
        // The weights are read from the file's mapping all through the run.
        try store.safetensors.file.checkUnchanged()
        defer { withExtendedLifetime(store) {} }
        return try runtime.withLock { try $0.run(graph, request, inputs, external: external, profile: profile) }
    }

    /// Prepares weighted adapters for runs of this network, whose weights stay as they are.
    ///
    /// A low-rank change of a convolution or linear layer becomes a side path, U·(D·x) beside W·x; several add up in one.
    /// Of other tensors the set holds changed copies: of those that are replaced or differ as a whole, and of layers whose
    /// activation is part of them. A side path costs a few percent of its layer's time. The first run with adapters of
    /// another shape (other tensors, or ranks that need another number of blocks of sixteen) makes a plan, as the first
    /// run with images of another size does.
    /// - Throws: ``UD2MFormats/UD2MError``: `change-unknown`, `change-shape`, `change-not-finite` or `change-unsupported`
    ///   with the tensor's name; `memory-exhausted`; `file-changed` when the store was written to.
    public func adapterSet(_ selections: [AdapterSelection]) throws -> AdapterSet {
        try store.safetensors.file.checkUnchanged()
        defer { withExtendedLifetime(store) {} }
        do {
            return try AdapterSet(selections, for: identity, sites: sites) { name in
                guard let tensor = store.tensor(TensorName(prefix + name)) else { return nil }
                return try merged.applied(to: tensor, name) ?? tensor
            }
        } catch let error as UD2MError {
            throw error.located(in: .init(file: store.path))
        }
    }

    /// Times the algorithms of every 3×3 convolution for images of the sizes of some inputs, for a later
    /// ``init(store:threads:precision:algorithms:merging:)``.
    /// - Throws: as ``run(_:taps:adapters:profile:)``.
    public func measureAlgorithms(_ inputs: [String: Tensor]) throws -> AlgorithmTable {
        let request = try RunRequest(network: self, inputs: inputs, taps: [])
        defer { withExtendedLifetime(store) {} }
        return try runtime.withLock { try $0.measureAlgorithms(graph, request) }
    }

    /// Bytes of memory the network holds: packed weights and the arena.
    public var memoryInUse: Int { runtime.withLock { $0.memoryInUse } }

    /// Bytes of memory the network holds once it has run on inputs of these shapes, by name: it is not
    /// run, and nothing is allocated.
    /// - Throws: `input-missing` or `input-shape`; `memory-exhausted`, also where the machine could not hold the images.
    public func memoryNeeded(for shapes: [String: [Int]]) throws -> Int {
        let shapes = try InputShapes(of: inputs) { shapes[$0] }
        defer { withExtendedLifetime(store) {} }
        return try runtime.withLock { try $0.memoryNeeded(graph, shapes) }
    }

    /// The floating-point operations a second that this network's threads reach at most, measured now.
    public var peakOperations: Double { runtime.withLock { $0.peakOperations } }
}
