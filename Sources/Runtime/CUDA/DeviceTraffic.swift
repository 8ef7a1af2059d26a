/// Bytes of a device's memory that are read and written.
package struct DeviceTraffic: Sendable, Hashable {
    package var bytesRead = 0
    package var bytesWritten = 0

    /// What a graph moves when every operation runs by itself: it reads its operands and weights and writes its result, and
    /// a normalisation reads its map twice.
    /// - Throws: `graph-invalid` when the graph cannot take images of these sizes.
    static func unfused(
        _ source: Graph, for key: PlanKey, batch: Int, element: DeviceElement, weightBytes: Int
    ) throws -> DeviceTraffic {
        let graph = source.pruned(keeping: key.taps)
        let sizes = Dictionary(uniqueKeysWithValues: key.sizes.map { ($0.name, (height: $0.height, width: $0.width)) })
        let shapes = try graph.shapes(sizes: sizes)
        func size(_ value: Value) -> Int {
            let shape = shapes[value.index]
            return if case .map = shape { batch * shape.count * element.size } else { batch * shape.count * 4 }
        }
        var total = DeviceTraffic(bytesRead: weightBytes)
        for (index, node) in graph.nodes.enumerated() {
            let read = node.reads.reduce(0) { $0 + size($1) }
            let again = if case .groupNorm = node.operation { read } else { 0 }
            total.bytesRead += read + again
            total.bytesWritten += size(Value(index: index))
        }
        return total
    }
}
