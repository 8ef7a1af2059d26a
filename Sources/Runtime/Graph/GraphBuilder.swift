import CUD2MKernels
import UD2MFormats

/// A feature map of a graph under construction.
package struct FeatureMap: Sendable, Hashable {
    package let value: Value
    package let channels: Int
}

/// A feature vector of a graph under construction.
package struct FeatureVector: Sendable, Hashable {
    package let value: Value
    package let channels: Int
}

/// Builds a ``Graph`` node by node; the handles' types keep maps and vectors apart, and channel counts are checked.
///
/// Weight names follow PyTorch modules: `prefix.weight` and `prefix.bias`.
package struct GraphBuilder {
    package private(set) var graph = Graph()

    package init() {}

    /// Appends a node.
    mutating func append(_ operation: Operation, _ inputs: [Value]) -> Value {
        graph.nodes.append(Node(operation, inputs))
        return Value(index: graph.nodes.count - 1)
    }

    /// Throws `network-configuration` unless a condition holds.
    func require(_ condition: Bool, _ message: @autoclosure () -> String, tensor: String? = nil) throws {
        guard condition else { throw UD2MError(.networkConfiguration, message(), at: .init(tensor: tensor)) }
    }

    // MARK: Inputs

    package mutating func image(_ name: String, channels: Int) -> FeatureMap {
        FeatureMap(value: append(.image(name: name, channels: channels), []), channels: channels)
    }

    package mutating func timestepEmbedding(
        _ name: String, width: Int, isCosineFirst: Bool, frequencyShift: Int
    ) throws -> FeatureVector {
        try require(width / 2 > frequencyShift, "A timestep embedding of \(width) values has no frequencies.")
        let embedding = TimestepEmbedding(
            width: width, isCosineFirst: isCosineFirst, frequencyShift: frequencyShift)
        return FeatureVector(value: append(.timestepEmbedding(name: name, embedding), []), channels: width)
    }

    package mutating func classEmbedding(
        _ name: String, _ prefix: String, classes: Int, width: Int
    ) -> FeatureVector {
        let embedding = ClassEmbedding(weight: "\(prefix).weight", classes: classes, width: width)
        return FeatureVector(value: append(.classEmbedding(name: name, embedding), []), channels: width)
    }

    /// A map that the caller of a run computes from others of the same size.
    package mutating func external(_ name: String, _ inputs: [FeatureMap], channels: Int) throws -> FeatureMap {
        try require(!inputs.isEmpty && channels > 0, "The external operation \(name) has no inputs or no output.")
        return FeatureMap(
            value: append(.external(name: name, channels: channels), inputs.map(\.value)), channels: channels)
    }

    // MARK: Layers with weights

    /// A convolution; `padding` keeps the size of odd kernels unless it is given.
    package mutating func convolution(
        _ input: FeatureMap, _ prefix: String, channels: Int, kernel: Int, stride: Int = 1, padding: Padding? = nil,
        hasBias: Bool = true, activation: Activation = .none, isOneDimensional: Bool = false
    ) -> FeatureMap {
        convolution(
            input,
            Convolution(
                weight: "\(prefix).weight", bias: hasBias ? "\(prefix).bias" : nil, normalization: nil,
                inputChannels: input.channels, outputChannels: channels, kernelHeight: kernel, kernelWidth: kernel,
                stride: stride, padding: padding ?? Padding(kernel / 2), activation: activation,
                layout: isOneDimensional ? .sequence : .planar))
    }

    /// A convolution described in full.
    package mutating func convolution(_ input: FeatureMap, _ convolution: Convolution) -> FeatureMap {
        FeatureMap(value: append(.convolution(convolution), [input.value]), channels: convolution.outputChannels)
    }

    /// A transposed convolution of kernel 2 and stride 2 without bias, from a weight [input, output, 2, 2]: twice the
    /// height and width.
    package mutating func transposedConvolution(
        _ input: FeatureMap, _ prefix: String, channels: Int
    ) -> FeatureMap {
        // The four pixels of a square start at blocks of their own.
        let rows = 4 * blockCount(channels) * Int(UD2M_LANES)
        let convolution = Convolution(
            weight: "\(prefix).weight", bias: nil, normalization: nil, inputChannels: input.channels,
            outputChannels: rows, kernelHeight: 1, kernelWidth: 1, stride: 1, padding: Padding(0), activation: .none,
            layout: .transposed(channels: channels))
        let pixels = append(.convolution(convolution), [input.value])
        return FeatureMap(value: append(.interleave(channels: channels), [pixels]), channels: channels)
    }

    package mutating func linear(_ input: FeatureVector, _ prefix: String, channels: Int) -> FeatureVector {
        let linear = Linear(
            weight: "\(prefix).weight", bias: "\(prefix).bias", inputs: input.channels, outputs: channels)
        return FeatureVector(value: append(.linear(linear), [input.value]), channels: channels)
    }

    /// - Throws: `network-configuration` when the groups do not divide the channels.
    package mutating func groupNorm(
        _ input: FeatureMap, _ prefix: String, groups: Int = 32, epsilon: Float = 1e-5
    ) throws -> FeatureMap {
        try require(
            groups > 0 && input.channels % groups == 0,
            "\(input.channels) channels cannot be normalised in \(groups) groups.", tensor: "\(prefix).weight")
        let affine = GroupNorm.Affine(weight: "\(prefix).weight", bias: "\(prefix).bias")
        let norm = GroupNorm(affine: affine, channels: input.channels, groups: groups, epsilon: epsilon)
        return FeatureMap(value: append(.groupNorm(norm), [input.value]), channels: input.channels)
    }

    // MARK: Results

    package mutating func tap(_ name: String, _ map: FeatureMap, as layout: Tap.Layout = .natural) {
        graph.taps[name] = Tap(value: map.value, layout: layout)
    }

    package mutating func tap(_ name: String, _ vector: FeatureVector) {
        graph.taps[name] = Tap(value: vector.value, layout: .natural)
    }

    // Mutating, because a copy of the builder would be taken before a node that is built in the argument.

    /// The graph whose result is `output`.
    package mutating func finish(_ output: FeatureMap) -> Graph { finish(output.value) }

    /// The graph whose result is `output`.
    package mutating func finish(_ output: FeatureVector) -> Graph { finish(output.value) }

    private mutating func finish(_ output: Value) -> Graph {
        var graph = graph
        graph.output = output
        return graph
    }
}
