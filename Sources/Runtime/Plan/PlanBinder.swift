import CUD2MKernels
import UD2MFormats

/// Turns a compiled graph into an ``ExecutionPlan`` by giving every argument its address.
package struct PlanBinder {
    private let compiled: CompiledGraph
    private let scope: CompiledGraph.Scope
    private let arena: UnsafeMutablePointer<Float>
    private let weights: PackedWeights
    private let tables = PointerTables()
    private var inputNames: [String] = []
    private var steps: [ExecutionPlan.Step] = []

    /// The plan that runs a compiled graph in an arena of at least `compiled.arenaSize` floats, aligned to cache lines,
    /// with the weights of the graph that was compiled; both must outlive it.
    /// - Throws: `graph-invalid` when the graph is not one that kernels can run.
    package static func bind(
        _ compiled: CompiledGraph, arena: UnsafeMutablePointer<Float>, weights: PackedWeights
    ) throws -> ExecutionPlan {
        var binder = PlanBinder(compiled: compiled, scope: compiled.scope, arena: arena, weights: weights)
        return try binder.bind()
    }

    private init(
        compiled: CompiledGraph, scope: CompiledGraph.Scope, arena: UnsafeMutablePointer<Float>,
        weights: PackedWeights
    ) {
        self.compiled = compiled
        self.scope = scope
        self.arena = arena
        self.weights = weights
    }

    private mutating func bind() throws -> ExecutionPlan {
        let graph = scope.graph
        let names = graph.taps.keys.sorted()
        let results = [Tap(value: graph.output, layout: .natural)] + names.compactMap { graph.taps[$0] }
        for index in graph.nodes.indices {
            try bind(Value(index: index))
            for (output, tap) in results.enumerated() where tap.value.index == index {
                try deliver(tap.value, as: output)
            }
        }
        return ExecutionPlan(
            inputNames: inputNames, resultShapes: results.map(resultShape), steps: steps, tables: tables)
    }

    private func resultShape(_ tap: Tap) -> [Int] {
        switch (scope.shapes[tap.value.index], tap.layout) {
        case (.map(let channels, let height, let width), .natural): [channels, height, width]
        case (.map(let channels, let height, let width), .sequence): [channels, height * width]
        case (.vector(let channels), _): [channels]
        }
    }

    // MARK: Addresses

    private func invalid(_ value: Value, _ message: String) -> UD2MError {
        UD2MError(.graphInvalid, "Node \(value.index) (\(scope.graph[value].operation)): \(message)")
    }

    private func address(_ value: Value) throws -> UnsafeMutablePointer<Float> {
        guard let offset = compiled.offsets[value.index] else { throw invalid(value, "has no memory.") }
        return arena + offset
    }

    private func workspace(_ value: Value) -> UnsafeMutablePointer<Float>? {
        compiled.workspaces[value.index].map { arena + $0 }
    }

    private func size(_ value: Value) throws -> (height: Int, width: Int) {
        guard case .map(_, let height, let width) = scope.shapes[value.index] else {
            throw invalid(value, "is no map.")
        }
        return (height, width)
    }

    private func blockAddresses(_ value: Value) throws -> [UnsafeMutablePointer<Float>?] {
        let (height, width) = try size(value)
        return try scope.parts[value.index].flatMap { part -> [UnsafeMutablePointer<Float>?] in
            let base = try address(part)
            return (0..<scope.blocks(of: part)).map { base + $0 * height * width * Int(UD2M_LANES) }
        }
    }

    private func lasting<Element: BitwiseCopyable>(_ elements: [Element]) throws -> UnsafePointer<Element> {
        guard let base = tables.table(elements).baseAddress else {
            throw UD2MError(.graphInvalid, "A table of pointers has no address.")
        }
        return base
    }

    private func blocks(_ value: Value) throws -> ExecutionPlan.Blocks { try lasting(blockAddresses(value)) }

    private func readOnlyBlocks(_ value: Value) throws -> ExecutionPlan.ReadOnlyBlocks {
        try lasting(blockAddresses(value).map { $0.map { UnsafePointer($0) } })
    }

    private func planes(_ value: Value) throws -> ud2m_planes {
        var planes = scope.planes(of: value)
        planes.blocks = try readOnlyBlocks(value)
        return planes
    }

    /// The transforms that a node applies to the map it reads.
    private func inputMap(_ node: Node) throws -> ud2m_input_map {
        guard let coefficients = node.coefficients else {
            return ud2m_input_map(scale: nil, shift: nil, activation: node.loadActivation)
        }
        let base = try address(coefficients)
        let half = scope.floats(of: coefficients.index) / 2
        guard half == scope.blocks(of: node.inputs[0]) * Int(UD2M_LANES) else {
            throw invalid(coefficients, "does not fit the map it transforms.")
        }
        return ud2m_input_map(scale: base, shift: base + half, activation: node.loadActivation)
    }

    /// Checks that two maps keep the same channels in the same slots.
    private func requireSameSlots(_ left: Value, _ right: Value) throws {
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

    private mutating func bind(_ value: Value) throws {
        let node = scope.graph[value]
        switch node.operation {
        case .image(let name, let channels):
            let (height, width) = try size(value)
            let input = inputIndex(name)
            steps.append(
                .packImage(input: input, channels: channels, height: height, width: width, try blocks(value)))
        case .timestepEmbedding(let name, let embedding):
            let style =
                embedding.convention == .adm ? UD2M_TIMESTEP_COSINE_FIRST : UD2M_TIMESTEP_SINE_FIRST
            steps.append(
                .timestepEmbedding(
                    input: inputIndex(name), width: embedding.width, style, try address(value)))
        case .classEmbedding(let name, let table):
            steps.append(
                .classEmbedding(
                    input: inputIndex(name), table: try weights.pointer(table.weight), width: table.width,
                    try address(value)))
        case .convolution(let convolution): try bindConvolution(value, node, convolution)
        case .linear(let linear): try bindLinear(value, node, linear)
        case .normCoefficients(let norm): try bindNorm(value, node, norm)
        case .vectorCoefficients(let kind):
            let output = try address(value)
            let runs = tables.table(scope.runs[node.inputs[0].index].map { Int32($0) })
            steps.append(
                .coefficients(
                    kind, from: try address(node.inputs[1]), runs: runs,
                    .init(scale: output, shift: output + scope.floats(of: value.index) / 2)))
        case .load:
            steps.append(.load(try planes(node.inputs[0]), try inputMap(node), try blocks(value)))
        case .resample(.nearestUp):
            steps.append(.nearestUp(try planes(node.inputs[0]), try inputMap(node), try blocks(value)))
        case .resample(.averageDown):
            steps.append(
                .averageDown(
                    ud2m_pool2d(
                        input: try planes(node.inputs[0]), map: try inputMap(node), kind: UD2M_POOLING_AVERAGE,
                        window: 2, stride: 2, padding: 0, output: try blocks(value))))
        case .resizeBilinear: try bindResize(value, node)
        case .attention(let attention):
            var arguments = scope.attentionArguments(value.index, attention)
            arguments.qkv = try readOnlyBlocks(node.inputs[0])
            arguments.output = try blocks(value)
            steps.append(.attention(arguments, workspace: workspace(value)))
        case .silu:
            steps.append(
                .silu(try address(node.inputs[0]), try address(value), count: scope.shapes[value.index].channels))
        case .add: try bindAdd(value, node)
        case .shiftedBias(let name, let channels):
            let output = try address(value)
            steps.append(.add(try weights.pointer(name), try address(node.inputs[0]), output, count: channels))
            steps.append(.clear(output + channels, count: scope.floats(of: value.index) - channels))
        case .concat: break
        case .groupNorm, .modulate: throw invalid(value, "was left over by the passes.")
        }
    }

    private mutating func inputIndex(_ name: String) -> Int {
        if let index = inputNames.firstIndex(of: name) { return index }
        inputNames.append(name)
        return inputNames.count - 1
    }

    private mutating func bindConvolution(_ value: Value, _ node: Node, _ convolution: Convolution) throws {
        var arguments = scope.convolutionArguments(value.index, convolution)
        arguments.input.blocks = try readOnlyBlocks(node.inputs[0])
        arguments.map = try inputMap(node)
        arguments.weights = UnsafePointer(try weights.pointer(convolution.weight))
        if let bias = node.bias {
            arguments.bias = UnsafePointer(try address(bias))
        } else if let bias = convolution.bias {
            arguments.bias = UnsafePointer(try weights.pointer(bias))
        }
        if let residual = node.residual {
            try requireSameSlots(residual, value)
            arguments.residual = try readOnlyBlocks(residual)
        }
        arguments.output = try blocks(value)
        steps.append(.convolution(arguments, workspace: workspace(value)))
    }

    private mutating func bindLinear(_ value: Value, _ node: Node, _ linear: Linear) throws {
        steps.append(
            .linear(
                ud2m_linear(
                    weights: try weights.pointer(linear.weight), element: UD2M_ELEMENT_F32,
                    inputs: Int32(linear.inputs), outputs: Int32(linear.outputs),
                    input: try address(node.inputs[0]), input_activation: UD2M_ACTIVATION_NONE,
                    bias: try weights.pointer(linear.bias), output: try address(value))))
    }

    private mutating func bindNorm(_ value: Value, _ node: Node, _ norm: GroupNorm) throws {
        let output = try address(value)
        let modulation = try node.inputs.dropFirst().first.map { UnsafePointer(try address($0)) }
        let runs = scope.runs[node.inputs[0].index].map { Int32($0) }
        steps.append(
            .groupNorm(
                ud2m_group_norm(
                    input: try planes(node.inputs[0]), source_channels: try lasting(runs),
                    source_count: Int32(runs.count), groups: Int32(norm.groups), epsilon: norm.epsilon,
                    gamma: try weights.pointer(norm.weight), beta: try weights.pointer(norm.bias),
                    scale: modulation, shift: modulation.map { $0 + norm.channels }, map_scale: output,
                    map_shift: output + scope.floats(of: value.index) / 2),
                workspace: workspace(value)))
    }

    private mutating func bindResize(_ value: Value, _ node: Node) throws {
        let source = node.inputs[0]
        let (sourceSize, resultSize) = (try size(source), try size(value))
        guard let scratch = workspace(value), scope.runs[source.index].count == 1 else {
            throw invalid(value, "resizes a concatenation.")
        }
        steps.append(
            .resizeBilinear(
                .init(
                    source: try readOnlyBlocks(source),
                    sourceSize: (Int32(sourceSize.height), Int32(sourceSize.width)),
                    channels: Int32(scope.shapes[value.index].channels), scratch: scratch,
                    result: try blocks(value), resultSize: (Int32(resultSize.height), Int32(resultSize.width)))))
    }

    private mutating func bindAdd(_ value: Value, _ node: Node) throws {
        let (left, right) = (node.inputs[0], node.inputs[1])
        guard case .map(_, let height, let width) = scope.shapes[value.index] else {
            steps.append(
                .add(
                    try address(left), try address(right), try address(value),
                    count: scope.shapes[value.index].channels))
            return
        }
        try requireSameSlots(left, right)
        let operands = zip(try blockAddresses(left), try blockAddresses(right))
        for ((left, right), output) in zip(operands, try blockAddresses(value)) {
            guard let left, let right, let output else { continue }
            steps.append(.add(left, right, output, count: height * width * Int(UD2M_LANES)))
        }
    }

    private mutating func deliver(_ value: Value, as output: Int) throws {
        guard case .map(_, let height, let width) = scope.shapes[value.index] else {
            steps.append(
                .deliverVector(
                    output: output, try address(value), count: scope.shapes[value.index].channels))
            return
        }
        var (offset, block) = (0, 0)
        let blocks = try blockAddresses(value).map { $0.map { UnsafePointer($0) } }
        for channels in scope.runs[value.index] {
            let end = block + blockCount(channels)
            steps.append(
                .deliverMap(
                    output: output, offset: offset, channels: channels, height: height, width: width,
                    try lasting(Array(blocks[block..<end]))))
            block = end
            offset += channels * height * width
        }
    }
}
