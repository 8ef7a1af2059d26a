import CUD2MKernels
import UD2MFormats

/// Turns a compiled graph into an ``ExecutionPlan`` by giving every argument its address.
package struct PlanBinder {
    let compiled: CompiledGraph
    let scope: CompiledGraph.Scope
    /// The arena of the image whose steps are being bound.
    private var arena: UnsafeMutablePointer<Float>
    private let weights: PackedWeights
    /// What takes the place of some weights, for the item whose steps are being bound.
    private var adapters: AdapterSet?
    /// The nodes that read weights of adapters, and their steps.
    private var adaptedNodes: [(value: Value, steps: Range<Int>)] = []
    private(set) var tables: PointerTables
    var inputNames: [String] = []
    var steps: [ExecutionPlan.Step] = []
    private var labels: [StepLabel] = []

    /// The plan that runs a compiled graph in an arena of at least `compiled.arenaSize` floats for each of
    /// `compiled.images`, aligned to cache lines, with the weights of the graph that was compiled; both must outlive it.
    ///
    /// `adapters` are those that the plan starts with; others of the same structure can follow.
    /// - Throws: `graph-invalid` when the graph is not one that kernels can run.
    package static func bind(
        _ compiled: CompiledGraph, arena: UnsafeMutablePointer<Float>, weights: PackedWeights,
        adapters: AdapterSet? = nil
    ) throws -> ExecutionPlan {
        let graph = compiled.scope.graph
        let results =
            [Tap(value: graph.output, layout: .natural)] + graph.taps.keys.sorted().compactMap { graph.taps[$0] }
        let tables = PointerTables()
        var binders: [PlanBinder] = []
        for image in 0..<compiled.images {
            var binder = PlanBinder(compiled, arena: arena + image * compiled.arenaSize, weights, adapters, tables)
            try binder.bind(results)
            binders.append(binder)
        }
        let adapted = adapters.map { adapters in
            AdaptedSteps(
                indices: binders[0].adaptedNodes.map(\.steps), images: binders.map { ($0.withoutSteps, adapters) })
        }
        return ExecutionPlan(
            inputNames: binders[0].inputNames, resultNames: ["out"] + graph.taps.keys.sorted(),
            resultShapes: results.map(compiled.scope.resultShape), steps: binders.map(\.steps),
            labels: binders[0].labels, adapted: adapted, tables: tables)
    }

    /// The steps that read weights of adapters, bound to other ones of the same structure; memory that the last ones had
    /// goes when nothing holds this binder any more.
    /// - Throws: `graph-invalid`; then the binder is as it was.
    mutating func rebind(to adapters: AdapterSet) throws -> [(Range<Int>, [ExecutionPlan.Step])] {
        var binder = self
        binder.adapters = adapters
        binder.tables = PointerTables()
        let bound = try adaptedNodes.map { value, range in
            binder.steps = []
            try binder.bind(value)
            guard binder.steps.count == range.count else { throw invalid(value, "has other steps than before.") }
            return (range, binder.steps)
        }
        self = binder.withoutSteps
        return bound
    }

    /// The binder as a plan keeps it.
    private var withoutSteps: PlanBinder {
        var binder = self
        binder.steps = []
        binder.labels = []
        return binder
    }

    private init(
        _ compiled: CompiledGraph, arena: UnsafeMutablePointer<Float>, _ weights: PackedWeights,
        _ adapters: AdapterSet?, _ tables: PointerTables
    ) {
        self.compiled = compiled
        scope = compiled.scope
        self.arena = arena
        self.weights = weights
        self.adapters = adapters
        self.tables = tables
    }

    private mutating func bind(_ results: [Tap]) throws {
        for index in scope.graph.nodes.indices {
            let first = steps.count
            try bind(Value(index: index))
            if scope.graph.nodes[index].operation.weights.contains(where: { adapters?.weights(holding: $0.name) != nil }
            ) {
                adaptedNodes.append((Value(index: index), first..<steps.count))
            }
            for (output, tap) in results.enumerated() where tap.value.index == index {
                try deliver(tap.value, as: output)
            }
            let (label, count) = (scope.label(of: index), steps.count - labels.count)
            labels += (0..<count).map { $0 == 0 ? label : label.continuation }
        }
    }

    // MARK: Weights

    /// The weights that hold a tensor: the adapters' where they do, else the network's.
    private func weights(of name: String) -> PackedWeights { adapters?.weights(holding: name) ?? weights }

    /// See ``PackedWeights/pointer(_:)``.
    func packedWeight(_ name: String) throws -> UnsafeMutablePointer<Float> { try weights(of: name).pointer(name) }

    /// See ``PackedWeights/storedTensor(_:)``.
    func storedTensor(_ name: String) throws -> (UnsafeRawPointer?, ud2m_element) {
        try weights(of: name).storedTensor(name)
    }

    /// See ``PackedWeights/storedKernel(_:channels:)``.
    func storedKernel(
        _ convolution: Convolution, channels: UnsafeBufferPointer<Int32>
    ) throws -> ud2m_stored_kernel {
        try weights(of: convolution.weight).storedKernel(convolution, channels: channels)
    }

    // MARK: Addresses

    func invalid(_ value: Value, _ message: String) -> UD2MError {
        UD2MError(.graphInvalid, "Node \(value.index) (\(scope.graph[value].operation)): \(message)")
    }

    func address(_ value: Value) throws -> UnsafeMutablePointer<Float> {
        guard let offset = compiled.offsets[value.index] else { throw invalid(value, "has no memory.") }
        return arena + offset
    }

    func workspace(_ value: Value) -> UnsafeMutablePointer<Float>? {
        compiled.workspaces[value.index].map { arena + $0 }
    }

    /// Where a convolution leaves its moments.
    func moments(_ value: Value) -> UnsafeMutablePointer<Double>? {
        // Offsets are whole cache lines, and an arena starts at one.
        compiled.moments[value.index].map { UnsafeMutableRawPointer(arena + $0).assumingMemoryBound(to: Double.self) }
    }

    func size(_ value: Value) throws -> (height: Int, width: Int) {
        guard case .map(_, let height, let width) = scope.shapes[value.index] else {
            throw invalid(value, "is no map.")
        }
        return (height, width)
    }

    func blockAddresses(_ value: Value) throws -> [UnsafeMutablePointer<Float>?] {
        let (height, width) = try size(value)
        return try scope.parts[value.index].flatMap { part -> [UnsafeMutablePointer<Float>?] in
            let base = try address(part)
            return (0..<scope.blocks(of: part)).map { base + $0 * height * width * Int(UD2M_LANES) }
        }
    }

    func lasting<Element: BitwiseCopyable>(_ elements: [Element]) throws -> UnsafePointer<Element> {
        guard let base = tables.table(elements).baseAddress else {
            throw UD2MError(.graphInvalid, "A table of pointers has no address.")
        }
        return base
    }

    func blocks(_ value: Value) throws -> ExecutionPlan.Blocks { try lasting(blockAddresses(value)) }

    func readOnlyBlocks(_ value: Value) throws -> ExecutionPlan.ReadOnlyBlocks {
        try lasting(blockAddresses(value).map { $0.map { UnsafePointer($0) } })
    }

    func planes(_ value: Value) throws -> ud2m_planes {
        var planes = scope.planes(of: value)
        planes.blocks = try readOnlyBlocks(value)
        return planes
    }

    /// The transforms that a node applies to the map it reads.
    func inputMap(_ node: Node) throws -> ud2m_input_map {
        guard let coefficients = node.coefficients else {
            return ud2m_input_map(
                scale: nil, shift: nil, activation: node.loadActivation.kernelActivation,
                slope: node.loadActivation.slope)
        }
        let base = try address(coefficients)
        let half = scope.floats(of: coefficients.index) / 2
        guard half == scope.blocks(of: node.inputs[0]) * Int(UD2M_LANES) else {
            throw invalid(coefficients, "does not fit the map it transforms.")
        }
        return ud2m_input_map(
            scale: base, shift: base + half, activation: node.loadActivation.kernelActivation,
            slope: node.loadActivation.slope)
    }

    /// A map with its channels counted, to be copied to planar memory.
    func blockMap(_ value: Value) throws -> BlockMap {
        let (height, width) = try size(value)
        var blocks = try blockAddresses(value).map { $0.map { UnsafePointer($0) } }[...]
        let runs = try scope.runs[value.index].map { channels in
            let count = blockCount(channels)
            defer { blocks = blocks.dropFirst(count) }
            return (channels, try lasting(Array(blocks.prefix(count))))
        }
        return BlockMap(runs: runs, height: height, width: width)
    }

    /// The channels of a map's runs.
    func channelTable(_ value: Value) -> ExecutionPlan.Runs {
        tables.table(scope.runs[value.index].map { Int32($0) })
    }

    /// Checks that two maps keep the same channels in the same slots.
    func requireSameSlots(_ left: Value, _ right: Value) throws {
        func slots(_ value: Value) -> [Int] {
            var runs = scope.runs[value.index]
            let lanes = Int(UD2M_LANES)
            // Runs of whole blocks may be cut anywhere.
            if runs.dropLast().allSatisfy({ $0 % lanes == 0 }) { runs = [runs.reduce(0, +)] }
            return runs
        }
        guard slots(left) == slots(right) else { throw invalid(left, "adds maps of different layouts.") }
    }

    // MARK: Nodes

    mutating func bind(_ value: Value) throws {
        let node = scope.graph[value]
        switch node.operation {
        case .image(let name, let channels):
            let (height, width) = try size(value)
            let input = inputIndex(name)
            steps.append(
                .packImage(input: input, channels: channels, height: height, width: width, try blocks(value)))
        case .timestepEmbedding(let name, let embedding):
            steps.append(.timestepEmbedding(input: inputIndex(name), embedding, try address(value)))
        case .classEmbedding(let name, let table):
            steps.append(
                .classEmbedding(
                    input: inputIndex(name), table: try packedWeight(table.weight), width: table.width,
                    try address(value)))
        case .external(let name, let channels):
            steps.append(
                .external(
                    ExternalCall(
                        name: name, inputs: try node.inputs.map(blockMap), channels: channels,
                        output: try blocks(value))))
        case .convolution(let convolution): try bindConvolution(value, node, convolution)
        case .interleave: steps.append(.interleave(try planes(node.inputs[0]), try blocks(value)))
        case .linear(let linear): try bindLinear(value, node, linear)
        case .normCoefficients(let norm): try bindNorm(value, node, norm)
        case .vectorCoefficients(let kind):
            let output = try address(value)
            let vector: UnsafeMutablePointer<Float> =
                if case .weight(let name) = kind { try packedWeight(name) } else { try address(node.inputs[1]) }
            steps.append(
                .coefficients(
                    kind, from: vector, runs: channelTable(node.inputs[0]),
                    .init(scale: output, shift: output + scope.floats(of: value.index) / 2)))
        case .load:
            steps.append(.load(try planes(node.inputs[0]), try inputMap(node), try blocks(value)))
        case .resample(.nearestUp):
            steps.append(.nearestUp(try planes(node.inputs[0]), try inputMap(node), try blocks(value)))
        case .resample(.averageDown):
            try bindPool(value, node, .average(window: 2, stride: 2))
        case .pool(let pooling): try bindPool(value, node, pooling)
        case .globalAverage:
            steps.append(
                .globalAverage(
                    try planes(node.inputs[0]), runs: channelTable(node.inputs[0]), try address(value),
                    workspace: workspace(value)))
        case .flatten:
            steps.append(.flatten(try blockMap(node.inputs[0]), try address(value)))
        case .resizeBilinear: try bindResize(value, node)
        case .attention(let attention):
            var arguments = scope.attentionArguments(value.index, attention)
            arguments.qkv = try readOnlyBlocks(node.inputs[0])
            arguments.output = try blocks(value)
            steps.append(.attention(arguments, workspace: workspace(value)))
        case .activation(let activation):
            steps.append(
                .activate(
                    activation, try address(node.inputs[0]), try address(value),
                    count: scope.shapes[value.index].channels))
        case .add: try bindAdd(value, node)
        case .shiftedBias(let name, let channels):
            let output = try address(value)
            steps.append(.add(try packedWeight(name), try address(node.inputs[0]), output, count: channels))
            steps.append(.clear(output + channels, count: scope.floats(of: value.index) - channels))
        case .concat: break
        case .groupNorm, .modulate, .scale: throw invalid(value, "was left over by the passes.")
        }
    }

    mutating func inputIndex(_ name: String) -> Int {
        if let index = inputNames.firstIndex(of: name) { return index }
        inputNames.append(name)
        return inputNames.count - 1
    }
}
