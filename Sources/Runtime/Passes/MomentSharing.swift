/// Finds the convolutions that can leave the sums of the group normalisations that follow them, so that no map is read
/// once more for its statistics.
package enum MomentSharing {
    /// For every node, the last normalisation that takes its sums; nil for nodes that leave none.
    ///
    /// A normalisation takes sums only if all parts of its map are convolutions.
    package static func lastReaders(of graph: Graph, parts: [[Value]]) -> [Int?] {
        var readers = [Int?](repeating: nil, count: graph.nodes.count)
        for (index, node) in graph.nodes.enumerated() {
            guard case .normCoefficients = node.operation else { continue }
            let sources = parts[node.inputs[0].index]
            guard sources.allSatisfy({ graph[$0].operation.isConvolution }) else { continue }
            for source in sources { readers[source.index] = index }
        }
        return readers
    }
}

extension Operation {
    fileprivate var isConvolution: Bool {
        if case .convolution = self { true } else { false }
    }
}
