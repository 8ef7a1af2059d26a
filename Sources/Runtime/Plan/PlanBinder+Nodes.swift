import CUD2MKernels
import UD2MFormats

/// The nodes whose arguments take more than a line.
extension PlanBinder {
    mutating func bindConvolution(_ value: Value, _ node: Node, _ convolution: Convolution) throws {
        var arguments = scope.convolutionArguments(value.index, convolution)
        arguments.image_stride = compiled.arenaSize
        arguments.input.blocks = try readOnlyBlocks(node.inputs[0])
        arguments.map = try inputMap(node)
        if convolution.readsStoredKernel {
            arguments.stored = try storedKernel(convolution, channels: channelTable(node.inputs[0]))
        } else {
            arguments.weights = UnsafePointer(try packedWeight(convolution.weight))
        }
        if let bias = node.bias {
            arguments.bias = UnsafePointer(try address(bias))
            arguments.bias_stride = compiled.arenaSize
        } else if let bias = convolution.normalization?.bias ?? convolution.bias {
            arguments.bias = UnsafePointer(try packedWeight(bias))
        }
        if let residual = node.residual {
            try requireSameSlots(residual, value)
            arguments.residual = try readOnlyBlocks(residual)
        }
        arguments.output = try blocks(value)
        arguments.moments = moments(value)
        steps.append(.convolution(arguments, workspace: workspace(value)))
    }

    mutating func bindLinear(_ value: Value, _ node: Node, _ linear: Linear) throws {
        let (stored, element) = try storedTensor(linear.weight)
        let bias = try node.bias.map(address) ?? linear.bias.map(packedWeight)
        steps.append(
            .linear(
                ud2m_linear(
                    weights: stored, element: element,
                    inputs: Int32(linear.inputs), outputs: Int32(linear.outputs),
                    input: try address(node.inputs[0]), input_activation: UD2M_ACTIVATION_NONE,
                    input_slope: 0, bias: bias.map { UnsafePointer($0) },
                    output: try address(value))))
    }

    mutating func bindNorm(_ value: Value, _ node: Node, _ norm: GroupNorm) throws {
        let output = try address(value)
        let modulation = try node.inputs.dropFirst().first.map { UnsafePointer(try address($0)) }
        let runs = scope.runs[node.inputs[0].index].map { Int32($0) }
        steps.append(
            .groupNorm(
                ud2m_group_norm(
                    input: try planes(node.inputs[0]), moments: try momentTable(value, node),
                    source_channels: try lasting(runs),
                    source_count: Int32(runs.count), groups: Int32(norm.groups), epsilon: norm.epsilon,
                    gamma: try norm.affine.map { UnsafePointer(try packedWeight($0.weight)) },
                    beta: try norm.affine.map { UnsafePointer(try packedWeight($0.bias)) },
                    scale: modulation, shift: modulation.map { $0 + norm.channels }, map_scale: output,
                    map_shift: output + scope.floats(of: value.index) / 2),
                workspace: workspace(value)))
    }

    /// The moments of every block of a normalisation's map, or nil if they are not there.
    private func momentTable(_ value: Value, _ node: Node) throws -> UnsafePointer<UnsafePointer<Double>?>? {
        guard scope.takesMoments(value.index) else { return nil }
        let blocks = try scope.parts[node.inputs[0].index].flatMap { part -> [UnsafePointer<Double>?] in
            guard let base = moments(part) else { throw invalid(part, "leaves no moments.") }
            return (0..<scope.blocks(of: part)).map { UnsafePointer(base + $0 * 2 * Int(UD2M_LANES)) }
        }
        return try lasting(blocks)
    }

    mutating func bindPool(_ value: Value, _ node: Node, _ pooling: Pooling) throws {
        var arguments = ud2m_pool2d()
        arguments.input = try planes(node.inputs[0])
        arguments.map = try inputMap(node)
        arguments.output = try blocks(value)
        switch pooling {
        case .maximum(let window, let stride, let padding, let isCeiling):
            arguments.kind = UD2M_POOLING_MAXIMUM
            (arguments.window, arguments.stride) = (Int32(window), Int32(stride))
            (arguments.padding, arguments.ceil_mode) = (Int32(padding), isCeiling)
        case .average(let window, let stride, let padding):
            arguments.kind = UD2M_POOLING_AVERAGE
            (arguments.window, arguments.stride) = (Int32(window), Int32(stride))
            arguments.padding = Int32(padding)
        case .adaptiveAverage(let side):
            arguments.kind = UD2M_POOLING_ADAPTIVE_AVERAGE
            (arguments.adaptive_height, arguments.adaptive_width) = (Int32(side), Int32(side))
        }
        let expected = try size(value)
        var (height, width): (Int32, Int32) = (0, 0)
        try requireOK(ud2m_pool2d_output_size(&arguments, &height, &width), "sizing a pooling")
        guard expected == (Int(height), Int(width)) else { throw invalid(value, "pools to another size.") }
        steps.append(.pool(arguments))
    }

    mutating func bindResize(_ value: Value, _ node: Node) throws {
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

    mutating func bindAdd(_ value: Value, _ node: Node) throws {
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

    mutating func deliver(_ value: Value, as output: Int) throws {
        guard case .map = scope.shapes[value.index] else {
            steps.append(
                .deliverVector(
                    output: output, try address(value), count: scope.shapes[value.index].channels))
            return
        }
        steps.append(.deliverMap(output: output, try blockMap(value)))
    }
}
