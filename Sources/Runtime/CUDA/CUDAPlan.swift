import CUD2MCUDA
import UD2MFormats

/// A plan bound to an arena and weights; used on the context's thread.
final class CUDAPlan {
    let plan: DevicePlan
    private var segments: [Segment] = []
    private let context: CUDAContext
    private let arena: ud2m_cuda_address
    /// The adapters' weights that the kernels read, of the layout of every set of the plan's structure.
    private let adapterWeights: CUDABuffer?
    /// Those whose weights were copied there last.
    private var adapters: DeviceWeights?

    /// What happens in order.
    private enum Segment {
        /// Kernels, and the graph of them once it was recorded.
        case launches([BoundLaunch], CUDAGraph?)
        case external(DeviceExternalCall)
    }

    private struct BoundLaunch {
        let launch: DeviceLaunch
        let kernel: CUDAKernel
        let structure: [UInt8]
        /// What a profile calls it.
        let label: StepLabel
    }

    /// Binds a plan to an arena of at least `plan.arenaBytes`; arena and weights must outlive it.
    /// - Throws: `graph-invalid`, `cuda-failed`, `memory-exhausted`.
    init(
        _ plan: DevicePlan, on context: CUDAContext, arena: CUDABuffer, weights: DeviceWeights,
        adapters: DeviceWeights?
    ) throws {
        self.plan = plan
        self.context = context
        self.arena = arena.address
        adapterWeights = try adapters.map {
            try CUDABuffer($0.layout.byteCount, on: context, for: "The weights of adapters")
        }
        var names = weights.addresses
        if let adapters, let adapterWeights { names.merge(adapters.addresses(in: adapterWeights)) { $1 } }
        let addresses = DeviceAddresses(arena: arena.address, weights: names)
        var launches: [BoundLaunch] = []
        for step in plan.steps {
            switch step {
            case .launch(let launch):
                launches.append(
                    BoundLaunch(
                        launch: launch, kernel: try context.kernel(launch.kernel),
                        structure: try launch.structure(addresses),
                        label: StepLabel(
                            kind: launch.kind, detail: "\(launch.detail) (\(launch.kernel))",
                            operations: launch.flops / Double(plan.images))))
            case .external(let call):
                segments += [.launches(launches, nil), .external(call)]
                launches = []
            }
        }
        segments.append(.launches(launches, nil))
    }

    /// How many segments there are.
    var segmentCount: Int { segments.count }

    /// The external operation of a segment; nil for kernels.
    func externalCall(_ index: Int) -> DeviceExternalCall? {
        if case .external(let call) = segments[index] { call } else { nil }
    }

    /// Starts to copy the weights of adapters to where the kernels read them, unless they are there.
    func use(_ adapters: DeviceWeights?, _ stream: CUDAStream) throws {
        guard let adapters, let adapterWeights, adapters !== self.adapters else { return }
        try stream.copy(adapters.buffer.address, to: adapterWeights.address, byteCount: adapters.layout.byteCount)
        self.adapters = adapters
    }

    /// Starts the kernels of a segment, as one graph that the first time records.
    func start(_ index: Int, _ stream: CUDAStream) throws {
        guard case .launches(let launches, let graph) = segments[index], !launches.isEmpty else { return }
        if let graph {
            try stream.launch(graph)
            return
        }
        let recorded = try stream.capture { for launch in launches { try start(launch, stream) } }
        segments[index] = .launches(launches, recorded)
        try stream.launch(recorded)
    }

    private func start(_ bound: BoundLaunch, _ stream: CUDAStream) throws {
        try stream.launch(
            bound.kernel, grid: bound.launch.grid, sharedBytes: bound.launch.sharedBytes, structure: bound.structure)
    }

    /// Runs the kernels of a segment one by one and adds their times to a profile.
    func measure(_ index: Int, _ stream: CUDAStream, _ profile: OperationProfile) throws {
        guard case .launches(let launches, _) = segments[index] else { return }
        let events = try (0...launches.count).map { _ in try CUDAEvent(context, isTimed: true) }
        try stream.record(events[0])
        for (launch, event) in zip(launches, events.dropFirst()) {
            try start(launch, stream)
            try stream.record(event)
        }
        try stream.synchronize()
        let seconds = try launches.indices.map { try events[$0 + 1].seconds(since: events[$0]) }
        profile.add(seconds, of: launches.map(\.label), items: plan.images)
    }

    /// An address in the arena.
    func address(_ offset: Int) -> ud2m_cuda_address { arena + UInt64(offset) }
}
