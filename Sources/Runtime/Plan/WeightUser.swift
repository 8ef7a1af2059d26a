/// An operation that reads weights, and the runs of channels of its operand, by which kernels are packed.
struct WeightUser: Sendable {
    let operation: Operation
    /// See ``ConcatElimination/channelRuns(of:)``.
    let runs: [Int]

    /// Every node of a graph.
    static func all(of graph: Graph) -> [WeightUser] {
        let runs = ConcatElimination.channelRuns(of: graph)
        return graph.nodes.map { node in
            WeightUser(operation: node.operation, runs: node.inputs.first.map { runs[$0.index] } ?? [])
        }
    }

    /// What to pack and how.
    var items: [PackedItem] { PackedItem.items(of: operation, runs: runs) }
}
