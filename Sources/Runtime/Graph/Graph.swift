/// The result of a node, named by the node's index in ``Graph/nodes``.
package struct Value: Sendable, Hashable, Comparable {
    package var index: Int

    package init(index: Int) {
        self.index = index
    }

    package static func < (lhs: Value, rhs: Value) -> Bool { lhs.index < rhs.index }
}

/// One step of a network: an operation, what it reads, and what the passes folded into it.
package struct Node: Sendable, Hashable {
    package var operation: Operation
    /// Operands in the operation's order.
    package var inputs: [Value]
    /// A vector [2C] of (a, b): the map is read as `a·x + b`.
    package var coefficients: Value?
    /// What the map is read through, after `coefficients`.
    package var loadActivation = Activation.none
    /// Whether the map is read at twice its size, every value four times, after the transforms above.
    package var loadsUpsampled = false
    /// A map that is added to the output.
    package var residual: Value?
    /// Whether `residual` is read at twice its size, every value four times.
    package var upsamplesResidual = false
    /// A vector that replaces the convolution's own bias.
    package var bias: Value?

    package init(_ operation: Operation, _ inputs: [Value] = []) {
        self.operation = operation
        self.inputs = inputs
    }

    /// Every value the node reads.
    package var reads: [Value] { inputs + [coefficients, residual, bias].compactMap { $0 } }

    /// Replaces the values the node reads.
    package mutating func mapReads(_ transform: (Value) -> Value) {
        inputs = inputs.map(transform)
        coefficients = coefficients.map(transform)
        residual = residual.map(transform)
        bias = bias.map(transform)
    }
}

/// An activation that a run can return.
package struct Tap: Sendable, Hashable {
    /// The shape in which an activation is handed out.
    package enum Layout: Sendable, Hashable {
        /// [N, C, H, W] of a map, [N, C] of a vector.
        case natural
        /// [N, C, H·W] of a map.
        case sequence
    }

    package var value: Value
    package var layout: Layout

    package init(value: Value, layout: Layout) {
        self.value = value
        self.layout = layout
    }
}

/// A network as a static list of nodes over named weights, symbolic in batch size, height and width.
///
/// Nodes are in an order in which they can run; each reads only earlier ones.
package struct Graph: Sendable {
    package var nodes: [Node] = []
    /// The network's result.
    package var output = Value(index: 0)
    /// Activations by name.
    package var taps: [String: Tap] = [:]

    package init() {}

    package subscript(value: Value) -> Node {
        get { nodes[value.index] }
        set { nodes[value.index] = newValue }
    }

    /// How many nodes read each value; the output and the taps in `kept` count as one reader each.
    package func useCounts(keeping kept: Set<String>) -> [Int] {
        var counts = [Int](repeating: 0, count: nodes.count)
        for node in nodes {
            for value in node.reads { counts[value.index] += 1 }
        }
        for value in results(keeping: kept) { counts[value.index] += 1 }
        return counts
    }

    /// The values a run must deliver: the output, then the taps in `kept`.
    package func results(keeping kept: Set<String>) -> [Value] {
        [output] + kept.sorted().compactMap { taps[$0]?.value }
    }

    /// The graph without nodes that no result needs; taps outside `kept` are forgotten.
    package func pruned(keeping kept: Set<String>) -> Graph {
        var needed = [Bool](repeating: false, count: nodes.count)
        for value in results(keeping: kept) { needed[value.index] = true }
        for index in nodes.indices.reversed() where needed[index] {
            for value in nodes[index].reads { needed[value.index] = true }
        }
        var graph = Graph()
        var renamed = [Value](repeating: Value(index: 0), count: nodes.count)
        for index in nodes.indices where needed[index] {
            var node = nodes[index]
            node.mapReads { renamed[$0.index] }
            renamed[index] = Value(index: graph.nodes.count)
            graph.nodes.append(node)
        }
        graph.output = renamed[output.index]
        for (name, tap) in taps where kept.contains(name) {
            graph.taps[name] = Tap(value: renamed[tap.value.index], layout: tap.layout)
        }
        return graph
    }
}
