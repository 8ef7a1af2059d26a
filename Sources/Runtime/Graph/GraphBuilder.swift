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

    private mutating func append(_ operation: Operation, _ inputs: [Value]) -> Value {
        graph.nodes.append(Node(operation, inputs))
        return Value(index: graph.nodes.count - 1)
    }

    private func require(_ condition: Bool, _ message: @autoclosure () -> String, tensor: String? = nil) throws {
        guard condition else { throw UD2MError(.networkConfiguration, message(), at: .init(tensor: tensor)) }
    }

    // MARK: Inputs

    package mutating func image(_ name: String, channels: Int) -> FeatureMap {
        FeatureMap(value: append(.image(name: name, channels: channels), []), channels: channels)
    }

    package mutating func timestepEmbedding(
        _ name: String, width: Int, _ convention: TimestepEmbedding.Convention
    ) -> FeatureVector {
        let embedding = TimestepEmbedding(width: width, convention: convention)
        return FeatureVector(value: append(.timestepEmbedding(name: name, embedding), []), channels: width)
    }

    package mutating func classEmbedding(
        _ name: String, _ prefix: String, classes: Int, width: Int
    ) -> FeatureVector {
        let embedding = ClassEmbedding(weight: "\(prefix).weight", classes: classes, width: width)
        return FeatureVector(value: append(.classEmbedding(name: name, embedding), []), channels: width)
    }

    // MARK: Layers with weights

    package mutating func convolution(
        _ input: FeatureMap, _ prefix: String, channels: Int, kernel: Int, stride: Int = 1,
        padding: (before: Int, after: Int)? = nil, isOneDimensional: Bool = false
    ) -> FeatureMap {
        let padding = padding ?? (kernel / 2, kernel / 2)
        let convolution = Convolution(
            weight: "\(prefix).weight", bias: "\(prefix).bias", inputChannels: input.channels,
            outputChannels: channels, kernel: kernel, stride: stride, padBefore: padding.before,
            padAfter: padding.after, isOneDimensional: isOneDimensional)
        return FeatureMap(value: append(.convolution(convolution), [input.value]), channels: channels)
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
        let norm = GroupNorm(
            weight: "\(prefix).weight", bias: "\(prefix).bias", channels: input.channels, groups: groups,
            epsilon: epsilon)
        return FeatureMap(value: append(.groupNorm(norm), [input.value]), channels: input.channels)
    }

    // MARK: Layers without weights

    package mutating func modulate(_ input: FeatureMap, by vector: FeatureVector) throws -> FeatureMap {
        try require(
            vector.channels == 2 * input.channels,
            "\(vector.channels) values cannot scale and shift \(input.channels) channels.")
        return FeatureMap(value: append(.modulate, [input.value, vector.value]), channels: input.channels)
    }

    package mutating func silu(_ input: FeatureMap) -> FeatureMap {
        FeatureMap(value: append(.silu, [input.value]), channels: input.channels)
    }

    package mutating func silu(_ input: FeatureVector) -> FeatureVector {
        FeatureVector(value: append(.silu, [input.value]), channels: input.channels)
    }

    package mutating func add(_ left: FeatureMap, _ right: FeatureMap) throws -> FeatureMap {
        try require(left.channels == right.channels, "\(left.channels) and \(right.channels) channels do not add.")
        return FeatureMap(value: append(.add, [left.value, right.value]), channels: left.channels)
    }

    package mutating func add(_ left: FeatureVector, _ right: FeatureVector) throws -> FeatureVector {
        try require(left.channels == right.channels, "\(left.channels) and \(right.channels) values do not add.")
        return FeatureVector(value: append(.add, [left.value, right.value]), channels: left.channels)
    }

    package mutating func add(_ map: FeatureMap, broadcasting vector: FeatureVector) throws -> FeatureMap {
        try require(
            map.channels == vector.channels, "\(map.channels) channels and \(vector.channels) values do not add.")
        return FeatureMap(value: append(.add, [map.value, vector.value]), channels: map.channels)
    }

    package mutating func concat(_ first: FeatureMap, _ second: FeatureMap) -> FeatureMap {
        FeatureMap(
            value: append(.concat, [first.value, second.value]), channels: first.channels + second.channels)
    }

    package mutating func resample(_ input: FeatureMap, _ kind: Resample) -> FeatureMap {
        FeatureMap(value: append(.resample(kind), [input.value]), channels: input.channels)
    }

    package mutating func resizeBilinear(_ input: FeatureMap, toSizeOf reference: FeatureMap) -> FeatureMap {
        FeatureMap(value: append(.resizeBilinear, [input.value, reference.value]), channels: input.channels)
    }

    /// - Throws: `network-configuration` when `qkv` does not hold three times `heads` equal heads.
    package mutating func attention(_ qkv: FeatureMap, heads: Int, order: QKVOrder) throws -> FeatureMap {
        let channels = qkv.channels / 3
        try require(
            heads > 0 && qkv.channels % 3 == 0 && channels % heads == 0,
            "\(qkv.channels) channels are not queries, keys and values of \(heads) heads.")
        let attention = Attention(channels: channels, heads: heads, order: order)
        return FeatureMap(value: append(.attention(attention), [qkv.value]), channels: channels)
    }

    // MARK: Results

    package mutating func tap(_ name: String, _ map: FeatureMap, as layout: Tap.Layout = .natural) {
        graph.taps[name] = Tap(value: map.value, layout: layout)
    }

    package mutating func tap(_ name: String, _ vector: FeatureVector) {
        graph.taps[name] = Tap(value: vector.value, layout: .natural)
    }

    /// The graph whose result is `output`.
    package func finish(_ output: FeatureMap) -> Graph {
        var graph = graph
        graph.output = output.value
        return graph
    }
}
