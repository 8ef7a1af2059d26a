/// Where a network reads each of its weights.
struct WeightSites: Sendable {
    /// The operation that reads a weight.
    struct Site: Sendable {
        let operation: Operation
        /// See ``ConcatElimination/channelRuns(of:)``, of the operation's operand.
        let runs: [Int]
        /// See ``WeightUser/strides``.
        let strides: [Int]
        /// The weight's shape.
        let shape: [Int]
    }

    private let sites: [String: Site]

    /// Finds the node that first names each weight, as ``PackedWeights`` does.
    init(_ graph: Graph) {
        var sites: [String: Site] = [:]
        for user in WeightUser.all(of: graph) {
            for weight in user.operation.weights where sites[weight.name] == nil {
                sites[weight.name] = Site(
                    operation: user.operation, runs: user.runs, strides: user.strides, shape: weight.shape)
            }
        }
        self.sites = sites
    }

    /// The place of a weight, or nil when the network has none of this name.
    subscript(_ name: String) -> Site? { sites[name] }
}
