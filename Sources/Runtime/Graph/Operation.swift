/// What a node of a ``Graph`` computes, on one item of a batch.
///
/// Weights are named, never held. "Map" is a feature map [C, H, W], "vector" a feature vector [C].
package enum Operation: Sendable, Hashable {
    /// An image input: a map with a fixed number of channels and the size that a run gives it.
    case image(name: String, channels: Int)
    /// The sinusoidal embedding of the scalar input `name`: a vector.
    case timestepEmbedding(name: String, TimestepEmbedding)
    /// The row of a weight table that the integer input `name` selects: a vector.
    case classEmbedding(name: String, ClassEmbedding)
    /// A 2-D convolution of a map.
    case convolution(Convolution)
    /// A matrix–vector product with bias.
    case linear(Linear)
    /// Group normalisation of a map.
    case groupNorm(GroupNorm)
    /// `x·(1 + scale) + shift` of a map with a vector [2C], scale first.
    case modulate
    /// `x·sigmoid(x)` of a map or a vector.
    case silu
    /// The sum of two maps, of two vectors, or of a map and a vector that is broadcast over H and W.
    case add
    /// Maps one after the other along the channels.
    case concat
    /// A map at half or twice the size.
    case resample(Resample)
    /// The first map, bilinearly resized to the size of the second (half-pixel centres, no antialiasing).
    case resizeBilinear
    /// Multi-head self-attention over the H·W positions of a map of 3C channels.
    case attention(Attention)

    /// Made by ``NormalizationFolding``: the vector [2C] of (a, b) with `a·x + b` = the map normalised, then modulated
    /// by the second operand where there is one.
    case normCoefficients(GroupNorm)
    /// Made by ``NormalizationFolding`` and ``AdditionFolding``: the vector [2C] of (a, b) for the map of the first
    /// operand from the vector of the second.
    case vectorCoefficients(VectorCoefficients)
    /// Made by ``NormalizationFolding``: a copy of a map, read through the node's load transforms.
    case load
    /// Made by ``AdditionFolding``: the sum of a bias weight and a vector.
    case shiftedBias(weight: String, channels: Int)
}

/// A sinusoidal timestep embedding (`networks.md` §1.3, §2.1).
package struct TimestepEmbedding: Sendable, Hashable {
    /// Which half comes first, and what the exponents are divided by.
    package enum Convention: Sendable, Hashable {
        /// Cosines first, frequencies `exp(-ln 10⁴ · i / half)`.
        case adm
        /// Sines first, frequencies `exp(-i · ln 10⁴ / (half - 1))`.
        case ddpm
    }

    package var width: Int
    package var convention: Convention
}

/// A table of class embeddings, one row a class.
package struct ClassEmbedding: Sendable, Hashable {
    package var weight: String
    package var classes: Int
    package var width: Int
}

/// A 2-D convolution with square kernel and stride, zero padding, and an optional bias.
package struct Convolution: Sendable, Hashable {
    package var weight: String
    package var bias: String?
    package var inputChannels: Int
    package var outputChannels: Int
    /// The side of the kernel.
    package var kernel: Int
    package var stride: Int
    /// Zero rows and columns before the first.
    package var padBefore: Int
    /// Zero rows and columns after the last.
    package var padAfter: Int
    /// Whether the stored weight is that of a 1-D convolution: [K, C, 1] in place of [K, C, 1, 1].
    package var isOneDimensional: Bool
}

/// A fully connected layer.
package struct Linear: Sendable, Hashable {
    package var weight: String
    package var bias: String
    package var inputs: Int
    package var outputs: Int
}

/// Group normalisation with an affine transform; the variance is the biased one.
package struct GroupNorm: Sendable, Hashable {
    package var weight: String
    package var bias: String
    package var channels: Int
    package var groups: Int
    package var epsilon: Float
}

/// How a map changes size.
package enum Resample: Sendable, Hashable {
    /// The mean of every 2×2 square.
    case averageDown
    /// Every value four times, as a 2×2 square.
    case nearestUp
}

/// How coefficients (a, b) follow from a vector.
package enum VectorCoefficients: Sendable, Hashable {
    /// (1 + scale, shift) of [scale | shift].
    case scaleShift
    /// (1, v) of v.
    case shift
}

/// The layout of the 3C rows of queries, keys and values.
package enum QKVOrder: Sendable, Hashable {
    /// q, k and v of head 0, then of head 1, …
    case headMajor
    /// The queries of all heads, then all keys, then all values.
    case kindMajor
}

/// Multi-head self-attention.
package struct Attention: Sendable, Hashable {
    package var channels: Int
    package var heads: Int
    package var order: QKVOrder
}
