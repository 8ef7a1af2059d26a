/// Lets convolutions add: a residual map while they store their output, a broadcast vector through their bias.
///
/// A sum whose one operand is a convolution that nothing else reads becomes that convolution, run at the sum's place. Other sums with a vector become a `load`.
package enum AdditionFolding {
    /// The graph with additions folded; taps in `kept` keep their operands.
    package static func apply(to graph: Graph, keeping kept: Set<String>) -> Graph {
        let isMap = graph.areMaps
        let uses = graph.useCounts(keeping: kept)
        // The convolution that each addition swallows.
        var swallowed: [Int: Value] = [:]
        for (index, node) in graph.nodes.enumerated() {
            guard case .add = node.operation, isMap[index] else { continue }
            let isResidual = isMap[node.inputs[1].index]
            // The later operand first: it is the branch, the earlier one often the skip connection.
            let candidates = isResidual ? [node.inputs[1], node.inputs[0]] : [node.inputs[0]]
            swallowed[index] = candidates.first { uses[$0.index] == 1 && graph[$0].takesAddend(isResidual) }
        }
        let deferred = Set(swallowed.values)
        var rewriter = GraphRewriter(graph)
        for (index, node) in graph.nodes.enumerated() where !deferred.contains(Value(index: index)) {
            guard let value = swallowed[index], case .convolution(let convolution) = graph[value].operation else {
                if case .add = node.operation, isMap[index], !isMap[node.inputs[1].index] {
                    rewriter.emitLoad(index, of: node.inputs[0], .vectorCoefficients(.shift), node.inputs)
                } else {
                    rewriter.emit(index, node)
                }
                continue
            }
            var merged = graph[value]
            merged.mapReads(rewriter.renamed)
            let addend = rewriter.renamed(value == node.inputs[0] ? node.inputs[1] : node.inputs[0])
            if isMap[node.inputs[1].index] {
                merged.residual = addend
            } else if let bias = convolution.bias {
                merged.bias = rewriter.append(
                    Node(.shiftedBias(weight: bias, channels: convolution.outputChannels), [addend]))
            } else {
                merged.bias = addend
            }
            rewriter.rename(index, to: rewriter.append(merged))
        }
        return rewriter.finish().pruned(keeping: kept)
    }
}

extension Node {
    /// Whether this is a convolution that can still add a residual or a bias vector.
    fileprivate func takesAddend(_ isResidual: Bool) -> Bool {
        guard case .convolution(let convolution) = operation, residual == nil else { return false }
        return isResidual || (bias == nil && convolution.endsInBias)
    }
}
