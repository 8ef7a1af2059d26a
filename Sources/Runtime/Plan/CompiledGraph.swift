import CUD2MKernels
import UD2MFormats

/// What a plan is made for: the sizes of the images, the activations to hand out, and what adapters change.
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
    package var adapters: AdapterStructure

    package init(sizes: [Size], taps: Set<String>, adapters: AdapterStructure = .init()) {
        self.sizes = sizes
        self.taps = taps
        self.adapters = adapters
    }

    /// Throws `input-shape` for a side that no image may have. Up to the limit, and with the widths that networks may
    /// have, a map has less than 2^48 floats and a few hundred of them less than 2^57, so that planning cannot overflow.
    fileprivate func requireSides() throws {
        let sides = 1...Network.maximumSide
        for size in sizes where !sides.contains(size.height) || !sides.contains(size.width) {
            throw UD2MError(
                .inputShape,
                "The image has \(size.height)×\(size.width) pixels; a side has 1 to \(Network.maximumSide).",
                at: .init(tensor: size.name))
        }
    }
}

/// A graph after the passes, with the shape and the place in memory of every value; independent of any backend memory.
package struct CompiledGraph {
    package let scope: Scope
    /// The offset in the arena of every value, in floats; nil for concatenations.
    package let offsets: [Int?]
    /// The offset of the workspace of every node, in floats; nil where it needs none.
    package let workspaces: [Int?]
    /// The offset in the arena of the moments of every convolution that leaves some, in floats.
    package let moments: [Int?]
    /// Floats in the arena of one image; whole cache lines.
    package let arenaSize: Int
    /// Images that run together, each in an arena of its own.
    package let images: Int

    /// Floats of all arenas, or the largest integer where they overflow.
    package var floats: Int { arenaSize.multipliedOrMaximum(images) }

    /// How many images' arenas fit into some memory, at least one.
    func imagesFitting(_ bytes: Int) -> Int { max(1, bytes / MemoryLayout<Float>.stride / max(arenaSize, 1)) }

    /// Runs the passes and packs the arena, with scratch memory for kernels on `threads` threads.
    /// - Throws: `graph-invalid` when the graph cannot take images of these sizes; `input-shape` for a side beyond
    ///   ``Network/maximumSide``.
    package init(
        _ source: Graph, for key: PlanKey, threads: Int, images: Int = 1, policy: AlgorithmPolicy = .init()
    ) throws {
        let scope = try Scope(source, for: key, policy: policy)
        let graph = scope.graph
        self.scope = scope
        self.images = images
        let lifetimes = Liveness.lifetimes(of: graph, parts: scope.parts)
        var requests: [ArenaRequest] = []
        /// The index of a new request, or nil where no memory is needed.
        func request(_ size: Int, _ lifetime: ClosedRange<Int>?) -> Int? {
            guard size > 0, let lifetime else { return nil }
            requests.append(ArenaRequest(size: size, lifetime: lifetime))
            return requests.count - 1
        }
        var values: [Int?] = []
        var workspaces: [Int?] = []
        var moments: [Int?] = []
        for index in graph.nodes.indices {
            values.append(request(scope.floats(of: index), lifetimes[index]))
            let bytes = scope.workspaceBytes(of: index, threads: threads, images: images)
            workspaces.append(request((bytes + 3) / 4, index...index))
            moments.append(
                request(scope.momentFloats(of: index), scope.momentReaders[index].map { index...$0 }))
        }
        let layout = ArenaPacking.pack(requests)
        func places(_ requests: [Int?]) -> [Int?] { requests.map { $0.map { layout.offsets[$0] } } }
        offsets = places(values)
        self.workspaces = places(workspaces)
        self.moments = places(moments)
        arenaSize = layout.size
    }

    /// What is known about a graph before its values have places.
    package struct Scope: Sendable {
        package let graph: Graph
        package let shapes: [ValueShape]
        /// See ``ConcatElimination/parts(of:)``.
        package let parts: [[Value]]
        /// See ``ConcatElimination/channelRuns(of:)``.
        package let runs: [[Int]]
        package let policy: AlgorithmPolicy
        /// See ``MomentSharing/lastReaders(of:parts:)``.
        package let momentReaders: [Int?]

        /// Runs the passes.
        /// - Throws: `graph-invalid` when the graph cannot take images of these sizes; `input-shape` for a side beyond
        ///   ``Network/maximumSide``.
        init(_ source: Graph, for key: PlanKey, policy: AlgorithmPolicy = .init()) throws {
            try key.requireSides()
            let taps = key.taps
            var graph = source.pruned(keeping: taps)
            graph = AdditionFolding.apply(to: graph, keeping: taps)
            graph = NormalizationFolding.apply(to: graph, keeping: taps)
            graph = UpsamplingFolding.apply(to: graph, keeping: taps)
            graph = SidePathInsertion.apply(to: graph, ranks: key.adapters.ranks)
            let sizes = Dictionary(
                uniqueKeysWithValues: key.sizes.map { ($0.name, (height: $0.height, width: $0.width)) })
            self.init(
                graph: graph, shapes: try graph.shapes(sizes: sizes), parts: ConcatElimination.parts(of: graph),
                runs: ConcatElimination.channelRuns(of: graph), policy: policy)
        }

        init(graph: Graph, shapes: [ValueShape], parts: [[Value]], runs: [[Int]], policy: AlgorithmPolicy) {
            self.graph = graph
            self.shapes = shapes
            self.parts = parts
            self.runs = runs
            self.policy = policy
            momentReaders = MomentSharing.lastReaders(of: graph, parts: parts)
        }

        /// The shape in which a result of one item is handed out.
        func resultShape(_ tap: Tap) -> [Int] {
            switch (shapes[tap.value.index], tap.layout) {
            case (.map(let channels, let height, let width), .natural): [channels, height, width]
            case (.map(let channels, let height, let width), .sequence): [channels, height * width]
            case (.vector(let channels), _): [channels]
            }
        }

        /// Whether a normalisation finds the sums of its map ready.
        package func takesMoments(_ index: Int) -> Bool {
            parts[graph.nodes[index].inputs[0].index].allSatisfy { momentReaders[$0.index] != nil }
        }

        /// Floats that the moments of a map take, two doubles a slot.
        package func momentFloats(of index: Int) -> Int {
            momentReaders[index] == nil ? 0 : 4 * Int(UD2M_LANES) * blocks(of: Value(index: index))
        }

        /// Blocks of sixteen channels of a map.
        package func blocks(of value: Value) -> Int { runs[value.index].reduce(0) { $0 + blockCount($1) } }

        /// Floats that the images and the results of one item take outside the arena.
        package var itemFloats: Int {
            let images = graph.nodes.indices.filter {
                if case .image = graph.nodes[$0].operation { true } else { false }
            }
            let results = [graph.output.index] + graph.taps.values.map(\.value.index)
            return (images + results).reduce(0) { sum, index in
                sum.addedOrMaximum(shapes[index].channels.multipliedOrMaximum(shapes[index].positions))
            }
        }

        /// Checks that the machine can hold the images and the results of a batch, and `bytes` besides.
        func requireMemory(for key: PlanKey, batch: Int, besides bytes: Int) throws {
            let images = itemFloats.multipliedOrMaximum(batch).multipliedOrMaximum(MemoryLayout<Float>.stride)
            try MachineMemory.require(
                images.addedOrMaximum(bytes),
                for: "A run on \(batch) \(batch == 1 ? "image" : "images") of "
                    + (key.sizes.first.map { "\($0.height)×\($0.width)" } ?? "0×0") + " pixels")
        }

        /// Floats that a value takes.
        package func floats(of index: Int) -> Int {
            let lanes = Int(UD2M_LANES)
            switch graph.nodes[index].operation {
            case .normCoefficients, .vectorCoefficients:
                return 2 * lanes * blocks(of: graph.nodes[index].inputs[0])
            default:
                switch shapes[index] {
                case .map(_, let height, let width):
                    return [blocks(of: Value(index: index)), lanes, height, width].productOrMaximum
                case .vector(let count): return blockCount(count) * lanes
                }
            }
        }
    }
}
