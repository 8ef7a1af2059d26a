import CUD2MCUDA
import UD2MFormats

/// What runs of a network on a device share: weights, arena, plans and a stream. One run uses it at a time.
final class CUDARuntime: @unchecked Sendable {
    let context: CUDAContext
    private let graph: Graph
    private let element: DeviceElement
    private let weights: DeviceWeights
    let stream: CUDAStream
    private var arena: CUDABuffer
    /// Of libraries' products; nil where there are none, and before the first plan.
    private var workspace: CUDABuffer?
    /// Where inputs and results wait for their copies.
    private var staging: PinnedBuffer
    /// Plans bound to `arena` and the largest batch each is good for, the most recently used last.
    private var plans: [(key: PlanKey, batch: Int, plan: CUDAPlan)] = []

    /// Plans kept; a plan is small, the arena is shared.
    private static let planLimit = 16

    /// Uploads the weights; called by any thread, as everything here.
    init(
        graph: Graph, on context: CUDAContext, element: DeviceElement, sources: [String: StoredTensor],
        adjust: @escaping PackedWeights.Adjustment
    ) throws {
        self.context = context
        self.graph = graph
        self.element = element
        let layout = DeviceWeightLayout(users: WeightUser.all(of: graph), element: element)
        (weights, stream, arena, staging) = try context.run {
            (
                try DeviceWeights(layout, sources, on: context, adjust: adjust), try CUDAStream(context),
                try CUDABuffer(0, on: context, for: "Activations"), try PinnedBuffer(0, on: context)
            )
        }
    }

    /// Bytes of the device's memory in use.
    var memoryInUse: Int { weights.layout.byteCount + arena.byteCount + (workspace?.byteCount ?? 0) }

    /// Prepares for images of some sizes; gives ``memoryInUse`` then.
    func memoryNeeded(_ shapes: InputShapes) throws -> Int {
        let key = PlanKey(sizes: shapes.sizes, taps: [])
        _ = try context.run { [self] in try plan(for: key, batch: shapes.batch, adapters: nil) }
        return memoryInUse
    }

    /// Runs a checked request, with the functions of the graph's external operations.
    func run(
        _ request: RunRequest, _ inputs: [String: Tensor], external: [String: ExternalFunction],
        profile: OperationProfile?
    ) throws -> [String: Tensor] {
        var results = RunResults(batch: request.batch)
        let names = ["out"] + request.key.taps.sorted()
        for group in request.deviceGroups {
            var key = request.key
            key.adapters = group.set?.structure ?? .init()
            let adapters = key.adapters.isEmpty ? nil : group.set?.deviceWeights
            let plan = try context.run { try self.plan(for: key, batch: group.items.count, adapters: adapters) }
            try results.prepare(names, shapes: plan.plan.resultShapes)
            for first in stride(from: 0, to: group.items.count, by: plan.plan.images) {
                let items = Array(group.items[first..<min(first + plan.plan.images, group.items.count)])
                try run(plan, items, inputs, adapters, external, profile)
                for (output, transfer) in transfers(of: plan).enumerated() {
                    for (place, item) in items.enumerated() {
                        let values = transfer.values[place * transfer.count..<(place + 1) * transfer.count]
                        results.values[output].replaceSubrange(
                            item * transfer.count..<(item + 1) * transfer.count, with: values)
                    }
                }
            }
        }
        return try results.tensors
    }

    /// Runs a plan on items that fit it; the results lie in the pinned memory then.
    private func run(
        _ plan: CUDAPlan, _ items: [Int], _ inputs: [String: Tensor], _ adapters: DeviceWeights?,
        _ external: [String: ExternalFunction], _ profile: OperationProfile?
    ) throws {
        let operands = try plan.plan.inputs.map { transfer in
            guard let tensor = inputs[transfer.name] else {
                throw UD2MError(.inputMissing, "The network needs this input.", at: .init(tensor: transfer.name))
            }
            return tensor
        }
        // All work up to an external operation is one visit to the device's thread.
        try context.run { [self] in
            try upload(operands, items, plan)
            try plan.use(adapters, stream)
        }
        for index in 0..<plan.segmentCount {
            if let call = plan.externalCall(index) {
                try run(call, plan, items: items, external)
            } else {
                try context.run { [self] in
                    if let profile {
                        try plan.measure(index, stream, profile)
                    } else {
                        try plan.start(index, stream)
                    }
                }
            }
        }
        try context.run { [self] in try download(plan) }
    }

    // MARK: Copies

    /// Starts to copy the inputs of some items; what the plan has room for beyond them repeats the last.
    private func upload(_ operands: [Tensor], _ items: [Int], _ plan: CUDAPlan) throws {
        var place = 0
        for (transfer, tensor) in zip(plan.plan.inputs, operands) {
            let byteCount = plan.plan.images * transfer.count * 4
            let part = UnsafeMutableRawBufferPointer(rebasing: staging.bytes[place..<place + byteCount])
            tensor.values.withUnsafeBytes { values in
                for image in 0..<plan.plan.images {
                    let item = items[min(image, items.count - 1)]
                    let source = values[item * transfer.count * 4..<(item + 1) * transfer.count * 4]
                    UnsafeMutableRawBufferPointer(rebasing: part[(image * transfer.count * 4)...])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source))
                }
            }
            if let start = part.baseAddress {
                try stream.upload(start, to: plan.address(transfer.offset), byteCount: byteCount)
            }
            place += byteCount
        }
    }

    /// Copies the results to the pinned memory and waits for everything.
    private func download(_ plan: CUDAPlan) throws {
        var place = plan.plan.inputBytes
        for transfer in plan.plan.results {
            let byteCount = plan.plan.images * transfer.count * 4
            if let start = staging.bytes.baseAddress {
                try stream.download(plan.address(transfer.offset), to: start + place, byteCount: byteCount)
            }
            place += byteCount
        }
        try stream.synchronize()
    }

    /// The results in the pinned memory, item after item.
    private func transfers(of plan: CUDAPlan) -> [(values: UnsafeBufferPointer<Float>, count: Int)] {
        var place = plan.plan.inputBytes
        return plan.plan.results.map { transfer in
            let byteCount = plan.plan.images * transfer.count * 4
            defer { place += byteCount }
            let part = UnsafeRawBufferPointer(rebasing: staging.bytes[place..<place + byteCount])
            return (part.bindMemory(to: Float.self), transfer.count)
        }
    }

    /// Calls a function of the run's caller, on its thread, for every item.
    private func run(
        _ call: DeviceExternalCall, _ plan: CUDAPlan, items: [Int], _ external: [String: ExternalFunction]
    ) throws {
        let images = plan.plan.images
        let maps = try call.inputs.map { map in
            try context.run { [self] in
                var values = [Float](repeating: 0, count: images * map.count)
                try values.withUnsafeMutableBytes { bytes in
                    guard let start = bytes.baseAddress else { return }
                    try stream.download(plan.address(map.offset), to: start, byteCount: bytes.count)
                    try stream.synchronize()
                }
                return values
            }
        }
        var results: [Float] = []
        for (place, item) in items.enumerated() {
            let arguments = try zip(call.inputs, maps).map { map, values in
                try Tensor(
                    shape: [1] + map.shape, values: Array(values[place * map.count..<(place + 1) * map.count]))
            }
            results += try call.run(arguments, item: item, external).values
        }
        results += [Float](repeating: 0, count: (images - items.count) * call.output.count)
        let values = results
        try context.run { [self] in
            try values.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress else { return }
                try stream.upload(start, to: plan.address(call.output.offset), byteCount: bytes.count)
                try stream.synchronize()
            }
        }
    }

    // MARK: Plans

    /// The plan for a key and a batch: the kept one, or a new one, for which the arena may have to grow. A batch for which
    /// the device has no memory runs in several turns.
    func plan(for key: PlanKey, batch: Int, adapters: DeviceWeights?) throws -> CUDAPlan {
        if let index = plans.firstIndex(where: { $0.key == key && $0.batch >= batch }) {
            let hit = plans.remove(at: index)
            plans.append(hit)
            return hit.plan
        }
        // The host holds the images and the results; the device's memory is what it has free.
        try CompiledGraph.Scope(graph, for: key).requireMemory(for: key, batch: batch, besides: 0)
        let accelerators = context.accelerators?.kinds ?? []
        if workspace == nil, !accelerators.isEmpty {
            workspace = try CUDABuffer(
                CUDAAccelerators.workspaceBytes, on: context, for: "The workspace of --accelerators")
        }
        var images = batch
        func made(_ images: Int) throws -> DevicePlan {
            try DevicePlan(graph: graph, key: key, batch: images, element: element, accelerators: accelerators)
        }
        var plan = try made(images)
        if plan.arenaBytes > arena.byteCount {
            let room = try context.freeMemory + arena.byteCount
            while plan.arenaBytes > room, images > 1 {
                images = (images + 1) / 2
                plan = try made(images)
            }
        }
        if plan.arenaBytes > arena.byteCount {
            // The old arena goes first, so that both never exist together.
            plans = []
            arena = try CUDABuffer(0, on: context, for: "Activations")
            let purpose = "Activations of \(images == 1 ? "an image" : "\(images) images")"
            arena = try CUDABuffer(plan.arenaBytes, on: context, for: purpose)
        }
        let stagingBytes = plan.inputBytes + plan.resultBytes
        if stagingBytes > staging.bytes.count { staging = try PinnedBuffer(stagingBytes, on: context) }
        let bound = try CUDAPlan(
            plan, on: context, arena: arena, weights: weights, adapters: adapters, workspace: workspace)
        plans.removeAll { $0.key == key }
        if plans.count == Self.planLimit { plans.removeFirst() }
        plans.append((key, batch: images < batch ? .max : images, bound))
        return bound
    }
}

extension DevicePlan {
    /// Bytes of the inputs of a batch.
    var inputBytes: Int { inputs.reduce(0) { $0 + images * $1.count * 4 } }

    /// Bytes of the results of a batch.
    var resultBytes: Int { results.reduce(0) { $0 + images * $1.count * 4 } }
}

extension RunRequest {
    /// All items in groups of one set of adapters, in the order of each group's first.
    fileprivate var deviceGroups: [(set: AdapterSet?, items: [Int])] {
        if adapters.isEmpty { return [(nil, Array(0..<batch))] }
        var groups: [(set: AdapterSet?, items: [Int])] = []
        for (item, set) in adapters.enumerated() {
            if let index = groups.firstIndex(where: { $0.set === set }) {
                groups[index].items.append(item)
            } else {
                groups.append((set, [item]))
            }
        }
        return groups
    }
}
