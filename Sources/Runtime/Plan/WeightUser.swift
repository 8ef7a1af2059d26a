import CUD2MCUDA

/// An operation that reads weights, and the runs of channels of its operand, by which kernels are packed.
struct WeightUser: Sendable {
    let operation: Operation
    /// See ``ConcatElimination/channelRuns(of:)``.
    let runs: [Int]
    /// Elements of a pixel of each run on a device (``ConcatElimination/deviceStrides(of:runs:)``).
    let strides: [Int]

    /// Runs of `strides`, or padded as those of most operations.
    init(operation: Operation, runs: [Int], strides: [Int]? = nil) {
        self.operation = operation
        self.runs = runs
        let multiple = Int(UD2M_CUDA_CHANNELS)
        self.strides = strides ?? runs.map { ($0 + multiple - 1) / multiple * multiple }
    }

    /// Every node of a graph.
    static func all(of graph: Graph) -> [WeightUser] {
        let runs = ConcatElimination.channelRuns(of: graph)
        let strides = ConcatElimination.deviceStrides(of: graph, runs: runs)
        return graph.nodes.map { node in
            let operand = node.inputs.first?.index
            return WeightUser(
                operation: node.operation, runs: operand.map { runs[$0] } ?? [],
                strides: operand.map { strides[$0] } ?? [])
        }
    }

    /// What to pack and how.
    var items: [PackedItem] { PackedItem.items(of: operation, runs: runs) }
}
