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
    /// Maps of one size to a map of that size with the given channels, by a function that the run's caller gives under
    /// this name.
    case external(name: String, channels: Int)
    /// A 2-D convolution of a map.
    case convolution(Convolution)
    /// The second half of a transposed convolution: a map of four times the blocks of `channels` channels, to one of
    /// twice the height and width.
    case interleave(channels: Int)
    /// A matrix–vector product with bias.
    case linear(Linear)
    /// Group normalisation of a map.
    case groupNorm(GroupNorm)
    /// `x·(1 + scale) + shift` of a map with a vector [2C], scale first.
    case modulate
    /// A map times a weight of one value.
    case scale(weight: String)
    /// A function of every value of a map or a vector.
    case activation(Activation)
    /// The sum of two maps, of two vectors, or of a map and a vector that is broadcast over H and W.
    case add
    /// Maps one after the other along the channels.
    case concat
    /// A map at half or twice the size.
    case resample(Resample)
    /// The mean or the maximum of windows of a map.
    case pool(Pooling)
    /// The mean of every channel of a map: a vector.
    case globalAverage
    /// A map of `positions` pixels in the order C, H, W: a vector.
    case flatten(positions: Int)
    /// The first map, bilinearly resized to the size of the second (half-pixel centres, no antialiasing).
    case resizeBilinear
    /// Multi-head self-attention over the H·W positions of a map of 3C channels.
    case attention(Attention)

    /// Made by ``NormalizationFolding``: the vector [2C] of (a, b) with `a·x + b` = the map normalised, then modulated
    /// by the second operand where there is one.
    case normCoefficients(GroupNorm)
    /// Made by ``NormalizationFolding`` and ``AdditionFolding``: the vector [2C] of (a, b) for the map of the first
    /// operand from the vector of the second, or from a weight.
    case vectorCoefficients(VectorCoefficients)
    /// Made by ``NormalizationFolding``: a copy of a map, read through the node's load transforms.
    case load
    /// Made by ``AdditionFolding``: the sum of a bias weight and a vector.
    case shiftedBias(weight: String, channels: Int)
}

/// A sinusoidal timestep embedding (`networks.md` §1.3, §2.1).
package struct TimestepEmbedding: Sendable, Hashable {
    package var width: Int
    /// Whether the cosines come before the sines.
    package var isCosineFirst: Bool
    /// The frequencies are `exp(-i · ln 10⁴ / (width / 2 - frequencyShift))`.
    package var frequencyShift: Int
}

/// A table of class embeddings, one row a class.
package struct ClassEmbedding: Sendable, Hashable {
    package var weight: String
    package var classes: Int
    package var width: Int
}

/// A fully connected layer.
package struct Linear: Sendable, Hashable {
    package var weight: String
    package var bias: String?
    package var inputs: Int
    package var outputs: Int
}

/// Group normalisation; the variance is the biased one.
package struct GroupNorm: Sendable, Hashable {
    /// The names of weight and bias; nil for a normalisation without.
    package var affine: Affine?
    package var channels: Int
    package var groups: Int
    package var epsilon: Float

    /// The tensors of an affine transform, one value a channel each.
    package struct Affine: Sendable, Hashable {
        package var weight: String
        package var bias: String
    }
}

/// How a map changes size.
package enum Resample: Sendable, Hashable {
    /// The mean of every 2×2 square.
    case averageDown
    /// Every value four times, as a 2×2 square.
    case nearestUp
}

/// Pooling over square windows.
package enum Pooling: Sendable, Hashable {
    /// The maximum of the pixels of each window that are in the image; with `isCeiling`, a last window may reach
    /// beyond it (PyTorch's ceil_mode).
    case maximum(window: Int, stride: Int, padding: Int = 0, isCeiling: Bool = false)
    /// The mean of the pixels of each window that are in the image.
    case average(window: Int, stride: Int, padding: Int = 0)
    /// The mean of windows that divide the image into `side` rows and columns.
    case adaptiveAverage(side: Int)
}

/// How coefficients (a, b) follow from a vector.
package enum VectorCoefficients: Sendable, Hashable {
    /// (1 + scale, shift) of [scale | shift].
    case scaleShift
    /// (1, v) of v.
    case shift
    /// (w, 0) of a weight of one value.
    case weight(String)
}

/// The layout of the 3C rows of queries, keys and values.
package enum QKVOrder: Sendable, Hashable {
    /// q, k and v of head 0, then of head 1, …
    case headMajor
    /// The queries of all heads, then all keys, then all values.
    case kindMajor
    /// As `kindMajor`, but the three are maps of their own, joined by a concatenation.
    case separate
}

/// Multi-head self-attention.
package struct Attention: Sendable, Hashable {
    package var channels: Int
    package var heads: Int
    package var order: QKVOrder
}
