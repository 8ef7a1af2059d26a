/// Turns group normalisation, modulation and activation into transforms applied while the next node reads its map.
///
/// A chain `groupNorm → modulate → silu` becomes one small vector of coefficients and one `load` node, `silu(a·x + b)`;
/// where the load's only reader is a convolution or a resampling, that node does the transform and the copy vanishes
/// (`kernels.md`, "The work": unfused, a normalisation costs as much memory traffic as half a convolution).
package enum NormalizationFolding {
    /// The graph with every normalisation folded as far as the taps in `kept` allow.
    package static func apply(to graph: Graph, keeping kept: Set<String>) -> Graph {
        let isMap = graph.areMaps
        let uses = graph.useCounts(keeping: kept)
        var rewriter = GraphRewriter(graph)
        for (index, node) in graph.nodes.enumerated() {
            switch node.operation {
            case .groupNorm(let norm):
                rewriter.emitLoad(index, of: node.inputs[0], .normCoefficients(norm), [node.inputs[0]])
            case .modulate:
                let (map, vector) = (node.inputs[0], node.inputs[1])
                if uses[map.index] == 1, case .groupNorm(let norm) = graph[map].operation {
                    let source = graph[map].inputs[0]
                    rewriter.emitLoad(index, of: source, .normCoefficients(norm), [source, vector])
                } else {
                    rewriter.emitLoad(index, of: map, .vectorCoefficients(.scaleShift), [map, vector])
                }
            case .scale(let weight):
                rewriter.emitLoad(
                    index, of: node.inputs[0], .vectorCoefficients(.weight(weight)), [node.inputs[0]])
            case .activation(let activation) where isMap[index]:
                rewriter.emitActivation(
                    activation, index, of: node.inputs[0], isPrivate: uses[node.inputs[0].index] == 1)
            default:
                rewriter.emit(index, node)
            }
        }
        return foldLoads(of: rewriter.finish().pruned(keeping: kept), keeping: kept)
    }

    /// Moves each `load` into its reader where that is the only one and can transform what it reads.
    private static func foldLoads(of graph: Graph, keeping kept: Set<String>) -> Graph {
        let uses = graph.useCounts(keeping: kept)
        var graph = graph
        for index in graph.nodes.indices where graph.nodes[index].operation.transformsItsLoad {
            let operand = graph.nodes[index].inputs[0]
            let load = graph[operand]
            guard case .load = load.operation, uses[operand.index] == 1 else { continue }
            graph.nodes[index].inputs[0] = load.inputs[0]
            graph.nodes[index].coefficients = load.coefficients
            graph.nodes[index].loadActivation = load.loadActivation
        }
        return graph.pruned(keeping: kept)
    }
}

extension Operation {
    /// Whether the kernel can apply coefficients and an activation while it reads the map.
    fileprivate var transformsItsLoad: Bool {
        switch self {
        case .convolution, .resample, .pool: true
        default: false
        }
    }
}

extension GraphRewriter {
    /// Emits an activation of `map`: as part of the load that made the map when nothing else reads it.
    fileprivate mutating func emitActivation(
        _ activation: Activation, _ index: Int, of map: Value, isPrivate: Bool
    ) {
        let source = renamed(map)
        if isPrivate, case .load = graph[source].operation, graph[source].loadActivation == .none {
            graph[source].loadActivation = activation
            rename(index, to: source)
        } else {
            var load = Node(.load, [source])
            load.loadActivation = activation
            rename(index, to: append(load))
        }
    }
}
