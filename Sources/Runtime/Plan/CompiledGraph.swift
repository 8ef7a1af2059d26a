import CUD2MKernels
import UD2MFormats

/// What a plan is made for: the sizes of the images, and the activations to hand out.
package struct PlanKey: Sendable, Hashable {
    /// Height and width of one image input.
    package struct Size: Sendable, Hashable {
        package var name: String
        package var height: Int
        package var width: Int

        package init(name: String, height: Int, width: Int) {
            self.name = name
            self.height = height
            self.width = width
        }
    }

    package var sizes: [Size]
    package var taps: Set<String>

    package init(sizes: [Size], taps: Set<String>) {
        self.sizes = sizes
        self.taps = taps
    }
}

/// A graph after the passes, with the shape and the place in memory of every value; independent of any backend memory.
package struct CompiledGraph {
    package let scope: Scope
    /// The offset in the arena of every value, in floats; nil for concatenations.
    package let offsets: [Int?]
    /// The offset of the workspace of every node, in floats; nil where it needs none.
    package let workspaces: [Int?]
    /// Floats in the arena.
    package let arenaSize: Int

    /// Runs the passes and packs the arena, with scratch memory for kernels on `threads` threads.
    /// - Throws: `graph-invalid` when the graph cannot take images of these sizes.
    package init(_ source: Graph, for key: PlanKey, threads: Int) throws {
        let taps = key.taps
        var graph = source.pruned(keeping: taps)
        graph = AdditionFolding.apply(to: graph, keeping: taps)
        graph = NormalizationFolding.apply(to: graph, keeping: taps)
        graph = UpsamplingFolding.apply(to: graph, keeping: taps)

        let sizes = Dictionary(uniqueKeysWithValues: key.sizes.map { ($0.name, (height: $0.height, width: $0.width)) })
        let scope = Scope(
            graph: graph, shapes: try graph.shapes(sizes: sizes), parts: ConcatElimination.parts(of: graph),
            runs: ConcatElimination.channelRuns(of: graph))
        self.scope = scope
        let lifetimes = Liveness.lifetimes(of: graph, parts: scope.parts)
        var requests: [ArenaRequest] = []
        var valueRequests: [Int?] = []
        var workspaceRequests: [Int?] = []
        for index in graph.nodes.indices {
            if let lifetime = lifetimes[index] {
                valueRequests.append(requests.count)
                requests.append(ArenaRequest(size: scope.floats(of: index), lifetime: lifetime))
            } else {
                valueRequests.append(nil)
            }
            let bytes = scope.workspaceBytes(of: index, threads: threads)
            if bytes > 0 {
                workspaceRequests.append(requests.count)
                requests.append(ArenaRequest(size: (bytes + 3) / 4, lifetime: index...index))
            } else {
                workspaceRequests.append(nil)
            }
        }
        let layout = ArenaPacking.pack(requests)
        offsets = valueRequests.map { $0.map { layout.offsets[$0] } }
        workspaces = workspaceRequests.map { $0.map { layout.offsets[$0] } }
        arenaSize = layout.size
    }

    /// What is known about a graph before its values have places.
    package struct Scope {
        package let graph: Graph
        package let shapes: [ValueShape]
        /// See ``ConcatElimination/parts(of:)``.
        package let parts: [[Value]]
        /// See ``ConcatElimination/channelRuns(of:)``.
        package let runs: [[Int]]

        /// Blocks of sixteen channels of a map.
        package func blocks(of value: Value) -> Int { runs[value.index].reduce(0) { $0 + blockCount($1) } }

        /// Floats that a value takes.
        package func floats(of index: Int) -> Int {
            let lanes = Int(UD2M_LANES)
            switch graph.nodes[index].operation {
            case .normCoefficients, .vectorCoefficients:
                return 2 * lanes * blocks(of: graph.nodes[index].inputs[0])
            default:
                switch shapes[index] {
                case .map(_, let height, let width):
                    return blocks(of: Value(index: index)) * lanes * height * width
                case .vector(let count): return blockCount(count) * lanes
                }
            }
        }
    }
}
