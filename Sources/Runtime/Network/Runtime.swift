import CUD2MKernels
import UD2MFormats

/// What runs of a network share, one at a time: threads, weights, arena and plans.
final class Runtime {
    private let pool: OpaquePointer?
    private let weights: PackedWeights
    private var arena: FloatBuffer
    private let policy: AlgorithmPolicy
    /// Plans bound to `arena` and the largest batch each is good for, the most recently used last.
    private var plans: [(key: PlanKey, batch: Int, plan: ExecutionPlan)] = []

    /// Plans kept; a plan is small, the arena is shared.
    private static let planLimit = 16
    /// Bytes of arenas up to which items of a batch run together.
    private static let batchBytes = 1 << 30
    /// Items of a batch that run together at most; the kernels take 4096.
    private static let imagesTogether = 1024

    init(
        graph: Graph, threads: Int, policy: AlgorithmPolicy, adjust: PackedWeights.Adjustment,
        lookup: (String) throws -> StoredTensor?
    ) throws {
        guard let pool = ud2m_pool_create(Int32(threads)) else {
            throw UD2MError(.memoryExhausted, "The compute threads cannot be started.")
        }
        self.pool = pool
        self.policy = policy
        do {
            weights = try PackedWeights(
                users: WeightUser.all(of: graph), pool: pool, precision: policy.precision, adjust: adjust,
                lookup: lookup)
            arena = try FloatBuffer(count: 0)
        } catch {
            ud2m_pool_destroy(pool)
            throw error
        }
    }

    deinit {
        ud2m_pool_destroy(pool)
    }

    var threads: Int { Int(ud2m_pool_threads(pool)) }

    /// Floating-point operations a second that the threads reach at most.
    var peakOperations: Double {
        // The first run brings the processor to its speed.
        (0..<3).map { _ in
            let start = ContinuousClock.now
            let operations = ud2m_multiply_add_run(pool)
            return operations / (ContinuousClock.now - start).seconds
        }.max() ?? 0
    }

    var memoryInUse: Int { weights.byteCount + arena.count * MemoryLayout<Float>.stride }

    /// What ``memoryInUse`` would be after a run on images of some sizes. Nothing is allocated for them.
    func memoryNeeded(_ graph: Graph, _ shapes: InputShapes) throws -> Int {
        let compiled = try compiled(graph, for: PlanKey(sizes: shapes.sizes, taps: []), batch: shapes.batch)
        return weights.byteCount + max(arena.count, compiled.floats) * MemoryLayout<Float>.stride
    }

    /// Runs a checked request, with the functions of the graph's external operations.
    func run(
        _ graph: Graph, _ request: RunRequest, _ inputs: [String: Tensor], external: [String: ExternalFunction],
        profile: OperationProfile?
    ) throws -> [String: Tensor] {
        var results = RunResults(batch: request.batch)
        if request.adapters.isEmpty {
            let plan = try plan(graph, for: request.key, batch: request.batch)
            try run(
                plan, 0..<request.batch, adapters: [], inputs: inputs, external: external, profile: profile, &results)
        }
        for group in request.groups {
            // Sets without a change run as the network alone.
            let sets = group.structure.isEmpty ? [] : group.items.compactMap { request.adapters[$0] }
            var key = request.key
            key.adapters = group.structure
            let plan = try plan(graph, for: key, batch: group.items.count, adapters: sets.first)
            try run(
                plan, group.items, adapters: sets, inputs: inputs, external: external, profile: profile, &results)
        }
        return try results.tensors
    }

    /// Runs some items of a batch on a plan, as many at a time as it takes.
    private func run<Items: RandomAccessCollection<Int>>(
        _ plan: ExecutionPlan, _ items: Items, adapters: [AdapterSet], inputs: [String: Tensor],
        external: [String: ExternalFunction], profile: OperationProfile?, _ results: inout RunResults
    ) throws where Items.Index == Int, Items.SubSequence: RandomAccessCollection<Int> {
        try results.prepare(plan.resultNames, shapes: plan.resultShapes)
        for first in stride(from: 0, to: items.count, by: plan.capacity) {
            let turn = first..<min(first + plan.capacity, items.count)
            try plan.run(
                pool: pool, inputs: inputs, items: items[turn],
                adapters: adapters.isEmpty ? [] : Array(adapters[turn]), external: external,
                outputs: &results.values, profile: profile)
        }
    }

    /// Times the algorithms of every convolution for images of a request's sizes.
    func measureAlgorithms(_ graph: Graph, _ request: RunRequest) throws -> AlgorithmTable {
        try AlgorithmMeasurement(pool: pool, plan: plan(graph, for: request.key, batch: 1)).table()
    }

    /// The plan for a key and a batch: the kept one, or a new one, for which the arena may have to grow.
    private func plan(
        _ graph: Graph, for key: PlanKey, batch: Int, adapters: AdapterSet? = nil
    ) throws -> ExecutionPlan {
        if let index = plans.firstIndex(where: { $0.key == key && $0.batch >= batch }) {
            let hit = plans.remove(at: index)
            plans.append(hit)
            return hit.plan
        }
        let compiled = try compiled(graph, for: key, batch: batch)
        let size = compiled.floats
        if size > arena.count {
            // The old arena goes first, so that both never exist together.
            plans = []
            arena = try FloatBuffer(count: 0)
            arena = try FloatBuffer(count: size)
        }
        let plan = try PlanBinder.bind(compiled, arena: arena.base, weights: weights, adapters: adapters)
        plans.removeAll { $0.key == key }
        if plans.count == Self.planLimit { plans.removeFirst() }
        // More items than fit run in several turns, so such a plan does for any batch.
        plans.append((key, batch: compiled.images < batch ? .max : compiled.images, plan))
        return plan
    }

    /// The graph for a key and as many of a batch's images as go together.
    private func compiled(_ graph: Graph, for key: PlanKey, batch: Int) throws -> CompiledGraph {
        var compiled = try CompiledGraph(graph, for: key, threads: threads, policy: policy)
        var images = min(batch, Self.imagesTogether, compiled.imagesFitting(Self.batchBytes))
        while images > 1 {
            compiled = try CompiledGraph(graph, for: key, threads: threads, images: images, policy: policy)
            // Every arena has room for the scratch memory of convolutions of all, and is larger than that of one image.
            let fitting = compiled.imagesFitting(Self.batchBytes)
            if fitting >= images { break }
            images = fitting
            if images == 1 { compiled = try CompiledGraph(graph, for: key, threads: threads, policy: policy) }
        }
        try compiled.scope.requireMemory(
            for: key, batch: batch,
            besides: compiled.floats.multipliedOrMaximum(MemoryLayout<Float>.stride)
                .addedOrMaximum(weights.byteCount))
        return compiled
    }
}
