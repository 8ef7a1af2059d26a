/// Finds the maps that concatenations stand for, so that none is ever formed: readers get the parts' channel blocks
/// as one list (`kernels.md`, "Design" 1).
package enum ConcatElimination {
    /// For every value, the values whose blocks make it up, in channel order: itself, or the parts of a concatenation.
    package static func parts(of graph: Graph) -> [[Value]] {
        var parts: [[Value]] = []
        for (index, node) in graph.nodes.enumerated() {
            if case .concat = node.operation {
                parts.append(node.inputs.flatMap { parts[$0.index] })
            } else {
                parts.append([Value(index: index)])
            }
        }
        return parts
    }

    /// For every map, how many channels each of its parts has; every part starts a new block of sixteen. Empty for
    /// vectors.
    ///
    /// A map that is computed value by value keeps the runs of its operand.
    package static func channelRuns(of graph: Graph) -> [[Int]] {
        let isMap = graph.areMaps
        var runs: [[Int]] = []
        for (index, node) in graph.nodes.enumerated() {
            switch node.operation {
            case _ where !isMap[index]: runs.append([])
            case .image(_, let channels), .external(_, let channels), .interleave(let channels):
                runs.append([channels])
            case .convolution(let convolution): runs.append([convolution.outputChannels])
            case .attention(let attention): runs.append([attention.channels])
            case .resizeBilinear: runs.append([runs[node.inputs[0].index].reduce(0, +)])
            case .concat: runs.append(node.inputs.flatMap { runs[$0.index] })
            default: runs.append(runs[node.inputs[0].index])
            }
        }
        return runs
    }
}
