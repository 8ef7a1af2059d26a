/// Bytes that a graph moves for one item when every operation runs by itself: it reads its operands and writes its result,
/// and a normalisation reads its map twice. Weights are not counted.
struct UnfusedTraffic {
    let bytes: Int

    /// - Throws: `graph-invalid` when the graph cannot take images of these sizes.
    init(_ source: Graph, for key: PlanKey, element: DeviceElement) throws {
        let graph = source.pruned(keeping: key.taps)
        let sizes = Dictionary(uniqueKeysWithValues: key.sizes.map { ($0.name, (height: $0.height, width: $0.width)) })
        let shapes = try graph.shapes(sizes: sizes)
        func size(_ value: Value) -> Int {
            let shape = shapes[value.index]
            return if case .map = shape { shape.count * element.size } else { shape.count * 4 }
        }
        var total = 0
        for (index, node) in graph.nodes.enumerated() {
            let read = node.reads.reduce(0) { $0 + size($1) }
            let twice = if case .groupNorm = node.operation { read } else { 0 }
            total += read + twice + size(Value(index: index))
        }
        bytes = total
    }
}
