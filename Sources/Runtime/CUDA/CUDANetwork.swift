import Synchronization
import UD2MFormats

/// A network with its weights on a GPU: runs as ``Network`` does, within the rounding of its elements.
///
/// Runs on one network take turns. The first run with images of another size, or of a larger batch, makes a plan and
/// records its kernels as one graph. A result does not depend on the other items of its batch.
public final class CUDANetwork: NetworkRunner {
    /// The inputs of ``run(_:taps:adapters:profile:)``, all of them required.
    public let inputs: [NetworkInput]
    /// The names of the activations that a run can return, sorted.
    public let tapNames: [String]
    /// The channels of the output.
    public let outputChannels: Int
    /// The multiple that both sides of an image must be of.
    public let sizeMultiple: Int
    /// The type of the elements of maps and matrices.
    public let element: DeviceElement
    /// Where it runs.
    public var device: CUDADevice { context.device }

    private let store: WeightStore
    package let context: CUDAContext
    private let runtime: Mutex<CUDARuntime>
    private let sites: WeightSites
    private let merged: CombinedChanges
    private let prefix: String
    package let identity = NetworkIdentity()

    /// Loads the network that a store says it holds onto a device.
    ///
    /// Adapters to be merged change their weights, in double precision rounded once, while these are uploaded.
    /// - Throws: ``UD2MFormats/UD2MError`` as ``Network/init(store:threads:precision:algorithms:merging:)``, with
    ///   `memory-exhausted` for the device's memory; `cuda-unsupported`, `cuda-failed`.
    public convenience init(
        store: WeightStore, device: CUDADevice, element: DeviceElement = .f16, merging adapters: [AdapterSelection] = []
    ) throws {
        guard let architecture = store.architecture else {
            throw UD2MError(
                .networkConfiguration, "The file does not say which network it holds.",
                at: .init(file: store.path), remedy: "Convert it with ud2m-convert.")
        }
        try self.init(store: store, architecture: architecture, device: device, element: element, merging: adapters)
    }

    /// Loads a network of a given architecture onto a device. `prefix` stands before the names of its tensors in the store,
    /// as in a bundle that holds several networks.
    /// - Throws: as ``init(store:device:element:merging:)``.
    public convenience init(
        store: WeightStore, architecture: ArchitectureConfiguration, device: CUDADevice, element: DeviceElement = .f16,
        merging adapters: [AdapterSelection] = [], prefix: String = ""
    ) throws {
        try self.init(
            store: store, architecture: architecture, context: CUDAContext(device), element: element, merging: adapters,
            prefix: prefix)
    }

    /// Loads a network of a given architecture onto a device that is open, for several on one.
    package convenience init(
        store: WeightStore, architecture: ArchitectureConfiguration, context: CUDAContext,
        element: DeviceElement = .f16,
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
            outputChannels: definition.outputChannels, sizeMultiple: definition.imageMultiple, context: context,
            element: element, merging: adapters, prefix: prefix)
    }

    /// Loads the network of a graph.
    package init(
        store: WeightStore, graph: @autoclosure () throws -> Graph, inputs: [NetworkInput], outputChannels: Int,
        sizeMultiple: Int, context: CUDAContext, element: DeviceElement, merging adapters: [AdapterSelection] = [],
        prefix: String = ""
    ) throws {
        self.inputs = inputs
        self.outputChannels = outputChannels
        self.sizeMultiple = sizeMultiple
        self.prefix = prefix
        self.element = element
        self.context = context
        self.store = store
        do {
            let graph = try graph()
            sites = WeightSites(graph)
            let merged = try CombinedChanges(adapters, sites: sites)
            self.merged = merged
            let sources = try PackedWeights.checkedSources(graph.weights) { store.tensor(TensorName(prefix + $0)) }
            runtime = Mutex(
                try CUDARuntime(graph: graph, on: context, element: element, sources: sources) {
                    try merged.applied(to: $1, $0)
                })
            tapNames = graph.taps.keys.sorted()
        } catch let error as UD2MError {
            throw error.located(in: .init(file: store.path))
        }
    }

    /// Runs the network on a batch.
    /// - Parameters:
    ///   - inputs: a tensor for each of ``inputs``; all have the same batch size N.
    ///   - taps: names of activations to return as well.
    ///   - adapters: what changes the network for the items of this batch.
    ///   - profile: where the times of the kernels are added; they then run one by one.
    /// - Returns: as ``Network/run(_:taps:adapters:profile:)``.
    /// - Throws: as ``Network/run(_:taps:adapters:profile:)``, with `memory-exhausted` for the device's memory; `cuda-failed`.
    public func run(
        _ inputs: [String: Tensor], taps: [String] = [], adapters: BatchAdapters = .none,
        profile: OperationProfile? = nil
    ) throws -> [String: Tensor] {
        try run(inputs, taps: taps, adapters: adapters, external: [:], profile: profile)
    }

    /// Runs a network with external operations on a batch; `external` holds a function for the name of each.
    /// - Throws: as ``run(_:taps:adapters:profile:)`` and ``Network/run(_:taps:adapters:external:profile:)``.
    package func run(
        _ inputs: [String: Tensor], taps: [String] = [], adapters: BatchAdapters = .none,
        external: [String: ExternalFunction], profile: OperationProfile? = nil
    ) throws -> [String: Tensor] {
        let request = try RunRequest(network: self, inputs: inputs, taps: taps, adapters: adapters)
        return try runtime.withLock { try $0.run(request, inputs, external: external, profile: profile) }
    }

    /// Runs the network on images in its device's memory: nothing passes through the host, and nothing waits.
    /// - Parameters:
    ///   - images: batches of one shape, [n, C, H, W], which run together.
    ///   - scalars: the other inputs, each with one value for all images.
    ///   - channels: how many of the output's channels are wanted, the first ones.
    ///   - arithmetic: what the images come from, on the network's device.
    /// - Returns: [n, `channels`, H, W] for each of `images`.
    /// - Throws: As ``run(_:taps:adapters:profile:)``; images are not checked for numbers that are not finite.
    package func run(
        _ images: [DeviceTensor], scalars: [String: Float], channels: Int, with arithmetic: DeviceArithmetic
    ) throws -> [DeviceTensor] {
        let request = try RunRequest(network: self, images: images.map(\.shape), scalars: scalars)
        return try runtime.withLock {
            try $0.run(request, images, scalars: scalars, channels: channels, with: arithmetic)
        }
    }

    /// Prepares weighted adapters for runs of this network, as ``Network/adapterSet(_:)``: their factors go to the device.
    /// - Throws: as ``Network/adapterSet(_:)``, with `memory-exhausted` for the device's memory; `cuda-failed`.
    public func adapterSet(_ selections: [AdapterSelection]) throws -> AdapterSet {
        try store.safetensors.file.checkUnchanged()
        defer { withExtendedLifetime(store) {} }
        do {
            let sources = try AdapterSources(selections, sites: sites, isWhole: true) { name in
                guard let tensor = store.tensor(TensorName(prefix + name)) else { return nil }
                return try merged.applied(to: tensor, name) ?? tensor
            }
            let layout = DeviceWeightLayout(
                users: sources.users, names: Set(sources.tensors.keys), element: element)
            let tensors = try PackedWeights.checkedSources(layout.requirements) { sources.tensors[$0] }
            let context = context
            let weights = try context.run { try DeviceWeights(layout, tensors, on: context) }
            return AdapterSet(sources.structure, for: identity, on: weights)
        } catch let error as UD2MError {
            throw error.located(in: .init(file: store.path))
        }
    }

    /// Bytes of the device's memory that the network holds: weights and the arena.
    public var memoryInUse: Int { runtime.withLock { $0.memoryInUse } }

    /// Bytes of the device's memory that the network holds once it has run on inputs of these shapes, by name: its plan is
    /// made, and not run.
    /// - Throws: `input-missing` or `input-shape`; `memory-exhausted` for the device's memory, and where the machine could
    ///   not hold the images; `cuda-failed`.
    public func memoryNeeded(for shapes: [String: [Int]]) throws -> Int {
        let shapes = try InputShapes(of: inputs) { shapes[$0] }
        return try runtime.withLock { try $0.memoryNeeded(shapes) }
    }
}
