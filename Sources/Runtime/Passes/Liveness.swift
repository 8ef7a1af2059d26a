/// When each value's memory is in use.
package enum Liveness {
    /// For every value, the steps (node indices) during which its memory holds something; nil for concatenations,
    /// which have no memory.
    ///
    /// A value lives from the node that writes it to the last node that reads it, through concatenations. Results
    /// are handed out right after they are written, so being one does not prolong a life.
    package static func lifetimes(of graph: Graph, parts: [[Value]]) -> [ClosedRange<Int>?] {
        var last = Array(graph.nodes.indices)
        for (index, node) in graph.nodes.enumerated() {
            if case .concat = node.operation { continue }
            for value in node.reads {
                for part in parts[value.index] { last[part.index] = index }
            }
        }
        // A concatenation that is a result is handed out at its own step.
        for (index, node) in graph.nodes.enumerated() {
            guard case .concat = node.operation else { continue }
            for part in parts[index] { last[part.index] = max(last[part.index], index) }
        }
        return graph.nodes.indices.map { index in
            if case .concat = graph.nodes[index].operation { nil } else { index...last[index] }
        }
    }
}
