/// Lets convolutions read a small map as if it had been enlarged, so that the enlargement is never formed.
///
/// Applies to nearest-neighbour enlargements that only convolutions read, as their operand or as their residual; a
/// transform that the enlargement applies commutes with it.
package enum UpsamplingFolding {
    /// The graph with enlargements folded; taps in `kept` keep theirs.
    package static func apply(to graph: Graph, keeping kept: Set<String>) -> Graph {
        let readers = graph.useCounts(keeping: kept)
        var foldable = [Int](repeating: 0, count: graph.nodes.count)
        for node in graph.nodes {
            guard case .convolution = node.operation else { continue }
            foldable[node.inputs[0].index] += 1
            if let residual = node.residual, graph[residual].isPlain { foldable[residual.index] += 1 }
        }
        var graph = graph
        for index in graph.nodes.indices {
            guard case .convolution = graph.nodes[index].operation else { continue }
            var node = graph.nodes[index]
            let operand = node.inputs[0]
            let source = graph[operand]
            if case .resample(.nearestUp) = source.operation, foldable[operand.index] == readers[operand.index],
                node.isPlain, !node.loadsUpsampled
            {
                node.inputs[0] = source.inputs[0]
                node.coefficients = source.coefficients
                node.loadActivation = source.loadActivation
                node.loadsUpsampled = true
            }
            if let residual = node.residual, case .resample(.nearestUp) = graph[residual].operation,
                foldable[residual.index] == readers[residual.index], graph[residual].isPlain
            {
                node.residual = graph[residual].inputs[0]
                node.upsamplesResidual = true
            }
            graph.nodes[index] = node
        }
        return graph.pruned(keeping: kept)
    }
}

extension Node {
    /// Whether the map is read as it is.
    fileprivate var isPlain: Bool { coefficients == nil && loadActivation == .none }
}
