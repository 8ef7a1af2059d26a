/// Layers without weights, and those with a single one.
extension GraphBuilder {
    package mutating func modulate(_ input: FeatureMap, by vector: FeatureVector) throws -> FeatureMap {
        try require(
            vector.channels == 2 * input.channels,
            "\(vector.channels) values cannot scale and shift \(input.channels) channels.")
        return FeatureMap(value: append(.modulate, [input.value, vector.value]), channels: input.channels)
    }

    /// A map times the weight `name`, a tensor [1].
    package mutating func scale(_ input: FeatureMap, by name: String) -> FeatureMap {
        FeatureMap(value: append(.scale(weight: name), [input.value]), channels: input.channels)
    }

    package mutating func activate(_ input: FeatureMap, _ activation: Activation) -> FeatureMap {
        FeatureMap(value: append(.activation(activation), [input.value]), channels: input.channels)
    }

    package mutating func activate(_ input: FeatureVector, _ activation: Activation) -> FeatureVector {
        FeatureVector(value: append(.activation(activation), [input.value]), channels: input.channels)
    }

    package mutating func silu(_ input: FeatureMap) -> FeatureMap { activate(input, .silu) }

    package mutating func silu(_ input: FeatureVector) -> FeatureVector { activate(input, .silu) }

    /// Normalisation of every channel by itself, without an affine transform.
    package mutating func instanceNorm(_ input: FeatureMap, epsilon: Float = 1e-5) -> FeatureMap {
        let norm = GroupNorm(affine: nil, channels: input.channels, groups: input.channels, epsilon: epsilon)
        return FeatureMap(value: append(.groupNorm(norm), [input.value]), channels: input.channels)
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

    package mutating func concat(_ maps: FeatureMap...) -> FeatureMap { concat(maps) }

    package mutating func concat(_ maps: [FeatureMap]) -> FeatureMap {
        FeatureMap(
            value: append(.concat, maps.map(\.value)), channels: maps.reduce(0) { $0 + $1.channels })
    }

    package mutating func resample(_ input: FeatureMap, _ kind: Resample) -> FeatureMap {
        FeatureMap(value: append(.resample(kind), [input.value]), channels: input.channels)
    }

    package mutating func pool(_ input: FeatureMap, _ pooling: Pooling) -> FeatureMap {
        FeatureMap(value: append(.pool(pooling), [input.value]), channels: input.channels)
    }

    package mutating func globalAverage(_ input: FeatureMap) -> FeatureVector {
        FeatureVector(value: append(.globalAverage, [input.value]), channels: input.channels)
    }

    /// A map of `positions` pixels as a vector, in the order C, H, W.
    package mutating func flatten(_ input: FeatureMap, positions: Int) -> FeatureVector {
        FeatureVector(
            value: append(.flatten(positions: positions), [input.value]), channels: input.channels * positions)
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
}
