/// Puts the side paths of adapters beside the layers that they change.
///
/// The path's sum is what the layer adds to its own product: the residual of a convolution, to which the path adds the one
/// that was there, or the bias of a linear layer. The layer's weights and its place in the graph stay, and a
/// normalisation that takes sums from it finds them. Runs after the passes that fold, so that the path reads what the
/// layer reads.
package enum SidePathInsertion {
    /// The graph with paths of the given ranks (``AdapterStructure/ranks``) beside the layers of these weights.
    package static func apply(to graph: Graph, ranks: [String: Int]) -> Graph {
        guard !ranks.isEmpty else { return graph }
        var rewriter = GraphRewriter(graph)
        for (index, node) in graph.nodes.enumerated() {
            guard let weight = node.operation.matrix, let rank = ranks[weight],
                let path = SidePath(beside: node.operation, weight: weight, rank: rank)
            else {
                rewriter.emit(index, node)
                continue
            }
            var layer = node
            layer.mapReads(rewriter.renamed)
            var down = Node(path.down, layer.inputs)
            down.coefficients = layer.coefficients
            down.loadActivation = layer.loadActivation
            down.loadsUpsampled = layer.loadsUpsampled
            var up = Node(path.up, [rewriter.append(down)])
            if case .linear = node.operation {
                layer.bias = rewriter.append(up)
            } else {
                up.residual = layer.residual
                up.upsamplesResidual = layer.upsamplesResidual
                layer.residual = rewriter.append(up)
                layer.upsamplesResidual = false
            }
            rewriter.rename(index, to: rewriter.append(layer))
        }
        return rewriter.finish()
    }
}
