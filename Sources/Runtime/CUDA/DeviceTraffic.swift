import CUD2MCUDA

/// Bytes of a device's memory that are read and written.
package struct DeviceTraffic: Sendable, Hashable {
    package var bytesRead = 0
    package var bytesWritten = 0

    /// What a graph moves when every operation runs by itself, on maps of the device's layout: it reads its operands and
    /// weights and writes its result, a normalisation reads its map twice, and a convolution's activation is one more
    /// operation. Images come and results go as planes in float32, as they do in a plan.
    /// - Throws: `graph-invalid` when the graph cannot take images of these sizes.
    static func unfused(
        _ source: Graph, for key: PlanKey, batch: Int, element: DeviceElement, weightBytes: Int
    ) throws -> DeviceTraffic {
        let graph = source.pruned(keeping: key.taps)
        let sizes = Dictionary(uniqueKeysWithValues: key.sizes.map { ($0.name, (height: $0.height, width: $0.width)) })
        let shapes = try graph.shapes(sizes: sizes)
        func size(_ value: Value) -> Int {
            let shape = shapes[value.index]
            guard case .map(let channels, _, _) = shape else { return batch * shape.count * 4 }
            let padded = wholeBlocks(channels, of: Int(UD2M_CUDA_CHANNELS)) * Int(UD2M_CUDA_CHANNELS)
            return batch * padded * shape.positions * element.size
        }
        func planes(_ value: Value) -> Int { batch * shapes[value.index].count * 4 }
        var total = DeviceTraffic(bytesRead: weightBytes)
        for (index, node) in graph.nodes.enumerated() {
            let read = node.reads.reduce(0) { $0 + size($1) }
            let written = size(Value(index: index))
            total.bytesRead += read
            total.bytesWritten += written
            switch node.operation {
            case .image: total.bytesRead += planes(Value(index: index))
            case .groupNorm: total.bytesRead += read
            case .convolution(let convolution) where convolution.activation != .none:
                total.bytesRead += written
                total.bytesWritten += written
            default: break
            }
        }
        total.bytesRead += size(graph.output)
        total.bytesWritten += planes(graph.output)
        return total
    }
}
