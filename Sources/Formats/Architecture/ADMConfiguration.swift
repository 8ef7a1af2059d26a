/// The shape of an ADM U-Net (guided-diffusion; `networks.md` §1).
public struct ADMConfiguration: Sendable, Hashable {
    /// How levels change resolution.
    public enum Resampling: String, Sendable, Hashable, CaseIterable {
        /// Residual blocks with resampling inside (`resblock_updown=True`).
        case residualBlock = "resblock"
        /// 3×3 stride-2 convolution down, nearest ×2 then 3×3 convolution up.
        case convolution = "conv"
        /// 2×2 average pooling down, nearest ×2 up; no weights.
        case pooling = "pool"
    }

    /// The layout of the rows of `qkv`.
    public enum AttentionOrder: String, Sendable, Hashable, CaseIterable {
        /// Head-major: q, k and v of head 0, then of head 1 (`QKVAttentionLegacy`).
        case legacy
        /// All queries, then all keys, then all values (`QKVAttention`).
        case new
    }

    /// How the number of heads follows from a block's width.
    public enum Heads: Sendable, Hashable {
        /// Every block has this many heads.
        case count(Int)
        /// Every head has this many channels.
        case channels(Int)

        /// The number of heads of a block of `width` channels, or nil when it does not divide.
        public func count(width: Int) -> Int? {
            switch self {
            case .count(let heads): heads > 0 && width % heads == 0 ? heads : nil
            case .channels(let channels): channels > 0 && width % channels == 0 ? width / channels : nil
            }
        }
    }

    /// Channels of the image: 1 or 3.
    public var imageChannels: Int
    /// Channels of the stem's input: `imageChannels`, or twice that for super-resolution networks.
    public var inputChannels: Int
    /// Channels of the output: `imageChannels`, or twice that with a learned variance.
    public var outputChannels: Int
    /// The base width; also the width of the sinusoidal timestep embedding.
    public var modelChannels: Int
    /// The width of each level in channels, finest first.
    public var levelChannels: [Int]
    /// Residual blocks a level.
    public var residualBlocks: Int
    /// Levels (0 = finest) whose residual blocks are followed by attention.
    public var attentionLevels: [Int]
    /// Heads of every attention block.
    public var heads: Heads
    /// The layout of `qkv`.
    public var attentionOrder: AttentionOrder
    /// Whether the embedding scales and shifts (FiLM), or is only added.
    public var usesScaleShift: Bool
    /// How levels change resolution.
    public var resampling: Resampling
    /// The number of classes, or nil for an unconditional network.
    public var classCount: Int?
    /// Whether the input is the image stacked on an upsampled low-resolution image.
    public var isSuperResolution: Bool

    /// Creates a configuration.
    public init(
        imageChannels: Int, inputChannels: Int, outputChannels: Int, modelChannels: Int, levelChannels: [Int],
        residualBlocks: Int, attentionLevels: [Int], heads: Heads, attentionOrder: AttentionOrder,
        usesScaleShift: Bool, resampling: Resampling, classCount: Int?, isSuperResolution: Bool
    ) {
        self.imageChannels = imageChannels
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.modelChannels = modelChannels
        self.levelChannels = levelChannels
        self.residualBlocks = residualBlocks
        self.attentionLevels = attentionLevels
        self.heads = heads
        self.attentionOrder = attentionOrder
        self.usesScaleShift = usesScaleShift
        self.resampling = resampling
        self.classCount = classCount
        self.isSuperResolution = isSuperResolution
    }

    /// Whether the output's second half is the learned variance.
    public var learnsVariance: Bool { outputChannels == 2 * imageChannels }

    /// The width of the timestep embedding, 4·`modelChannels`.
    public var embeddingChannels: Int { 4 * modelChannels }

    /// The multiple that both sides of an input image must be of.
    public var sizeMultiple: Int { 1 << (levelChannels.count - 1) }
}
