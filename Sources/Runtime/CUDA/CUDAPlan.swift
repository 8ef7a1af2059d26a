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
        /// Kernels and products, and the graph of them once it was recorded.
        case steps([Step], CUDAGraph?)
        case external(DeviceExternalCall)
    }

    private enum Step {
        case launch(CUDALaunch)
        case product(CUDAProduct)

        /// Whether it is known what computes it.
        var isDecided: Bool { if case .product(let product) = self { product.isDecided } else { true } }

        func start(_ stream: CUDAStream) throws {
            switch self {
            case .launch(let launch): try launch.start(stream)
            case .product(let product): try product.start(stream)
            }
        }

        /// Computes it, and decides what does so from now on.
        func decide(_ stream: CUDAStream) throws {
            if case .product(let product) = self, !product.isDecided {
                try product.decide(stream)
            } else {
                try start(stream)
            }
        }

        /// What a profile calls it, in a batch.
        func label(images: Int) -> StepLabel {
            let (launch, kernels, flops) =
                switch self {
                case .launch(let launch): (launch.launch, launch.launch.kernel, launch.launch.flops)
                case .product(let product):
                    (product.product.own[0], product.name, product.product.own.reduce(0) { $0 + $1.flops })
                }
            return StepLabel(
                kind: launch.kind, detail: "\(launch.detail) (\(kernels))", operations: flops / Double(images))
        }
    }

    /// Binds a plan to an arena of at least `plan.arenaBytes`; arena and weights must outlive it, and the workspace, which
    /// is needed where a library computes products.
    /// - Throws: `graph-invalid`, `cuda-failed`, `memory-exhausted`.
    init(
        _ plan: DevicePlan, on context: CUDAContext, arena: CUDABuffer, weights: DeviceWeights,
        adapters: DeviceWeights?, workspace: CUDABuffer?
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
        var steps: [Step] = []
        for step in plan.steps {
            switch step {
            case .launch(let launch): steps.append(.launch(try CUDALaunch(launch, addresses, on: context)))
            case .product(let product):
                guard let accelerators = context.accelerators, let workspace else {
                    throw UD2MError(.graphInvalid, "The plan needs libraries that were not opened.")
                }
                steps.append(
                    .product(try CUDAProduct(product, addresses, on: context, accelerators, workspace: workspace)))
            case .external(let call):
                segments += [.steps(steps, nil), .external(call)]
                steps = []
            }
        }
        segments.append(.steps(steps, nil))
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

    /// Starts the work of a segment, as one graph that the first time records. As long as it is not known what computes a
    /// product, the work starts step by step.
    func start(_ index: Int, _ stream: CUDAStream) throws {
        guard case .steps(let steps, let graph) = segments[index], !steps.isEmpty else { return }
        if let graph { return try stream.launch(graph) }
        let isDecided = steps.allSatisfy(\.isDecided)
        if !isDecided {
            for step in steps { try step.decide(stream) }
            guard steps.allSatisfy(\.isDecided) else { return }
        }
        let recorded = try stream.capture { for step in steps { try step.start(stream) } }
        segments[index] = .steps(steps, recorded)
        if isDecided { try stream.launch(recorded) }
    }

    /// Runs the steps of a segment one by one and adds their times to a profile.
    func measure(_ index: Int, _ stream: CUDAStream, _ profile: OperationProfile) throws {
        guard case .steps(let steps, _) = segments[index] else { return }
        var events: [(start: CUDAEvent, end: CUDAEvent)] = []
        for step in steps {
            // A comparison is not timed.
            if !step.isDecided { try step.decide(stream) }
            let pair = (start: try CUDAEvent(context, isTimed: true), end: try CUDAEvent(context, isTimed: true))
            try stream.record(pair.start)
            try step.start(stream)
            try stream.record(pair.end)
            events.append(pair)
        }
        try stream.synchronize()
        let seconds = try events.map { try $0.end.seconds(since: $0.start) }
        profile.add(seconds, of: steps.map { $0.label(images: plan.images) }, items: plan.images)
    }

    /// An address in the arena.
    func address(_ offset: Int) -> ud2m_cuda_address { arena + UInt64(offset) }
}
