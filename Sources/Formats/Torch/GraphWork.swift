/// Steps left for looking through a graph.
///
/// Values may be shared, so that a small pickle can hold one huge dict under a million keys; counting every step keeps
/// the work in proportion to the limits, not to the product (`formats.md` §0.6).
struct GraphWork {
    private var left: Int
    private let entry: String

    init(entry: String, limits: Limits) {
        self.left = limits.pickleOperations
        self.entry = entry
    }

    /// Steps for looking for the tensors of a graph: in proportion to what it holds.
    init(walking graph: PickleGraph, limits: Limits) {
        let proportional = max(limits.walkSteps, graph.nodes.count.multipliedOrMaximum(limits.walkStepsPerNode))
        self.left = min(limits.pickleOperations, proportional)
        self.entry = graph.entry
    }

    /// Takes steps off the budget.
    /// - Throws: ``UD2MError`` with code `pickle-limit` when none are left.
    mutating func charge(_ steps: Int) throws {
        left -= min(steps, left + 1)
        guard left >= 0 else {
            throw UD2MError(
                .pickleLimit, "Looking through the pickle's values takes too many steps.", at: .init(entry: entry),
                remedy: "Values that are shared many times over are a way to keep readers busy. Raise the limits with "
                    + "--limit walk-steps=N if the file is one you trust.")
        }
    }
}
