/// Builds a new graph from an old one, node by node, keeping track of what each old value became.
package struct GraphRewriter {
    private let old: Graph
    private var names: [Value]
    /// The graph built so far.
    package var graph = Graph()

    package init(_ old: Graph) {
        self.old = old
        names = old.nodes.indices.map { Value(index: $0) }
    }

    /// The new value that stands for an old one whose node has been visited.
    package func renamed(_ value: Value) -> Value { names[value.index] }

    /// Appends a node that already reads new values.
    package mutating func append(_ node: Node) -> Value {
        graph.nodes.append(node)
        return Value(index: graph.nodes.count - 1)
    }

    /// Says which new value the old node `index` became.
    package mutating func rename(_ index: Int, to value: Value) {
        names[index] = value
    }

    /// Appends a node that reads old values, in place of the old node `index`.
    package mutating func emit(_ index: Int, _ node: Node) {
        var node = node
        node.mapReads(renamed)
        rename(index, to: append(node))
    }

    /// Emits coefficients, computed by `operation` from `operands`, and a load of `map` through them.
    package mutating func emitLoad(_ index: Int, of map: Value, _ operation: Operation, _ operands: [Value]) {
        let coefficients = append(Node(operation, operands.map(renamed)))
        var load = Node(.load, [renamed(map)])
        load.coefficients = coefficients
        rename(index, to: append(load))
    }

    /// The new graph with the old one's output and taps.
    package func finish() -> Graph {
        var graph = graph
        graph.output = renamed(old.output)
        graph.taps = old.taps.mapValues { Tap(value: renamed($0.value), layout: $0.layout) }
        return graph
    }
}

extension Graph {
    /// For every value, whether it is a map (and not a vector).
    package var areMaps: [Bool] {
        var maps: [Bool] = []
        for node in nodes {
            switch node.operation {
            case .timestepEmbedding, .classEmbedding, .linear, .globalAverage, .flatten, .normCoefficients,
                .vectorCoefficients, .shiftedBias:
                maps.append(false)
            case .activation, .add:
                maps.append(maps[node.inputs[0].index])
            case .image, .external, .convolution, .interleave, .groupNorm, .modulate, .scale, .concat, .resample,
                .pool, .resizeBilinear, .attention, .load:
                maps.append(true)
            }
        }
        return maps
    }
}
