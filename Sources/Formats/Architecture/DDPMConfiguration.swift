/// The shape of a DDPM U-Net (pesser's port of Ho et al.'s network and diffusers' `UNet2DModel`; `networks.md` §2).
public struct DDPMConfiguration: Sendable, Hashable {
    /// Which half of the timestep embedding comes first.
    public enum TimestepOrder: String, Sendable, Hashable, CaseIterable {
        /// Sines, then cosines (`flip_sin_to_cos=False`).
        case sineFirst = "sine-first"
        /// Cosines, then sines (`flip_sin_to_cos=True`).
        case cosineFirst = "cosine-first"
    }

    /// Where the zeros around the input of a stride-2 convolution go.
    public enum DownPadding: String, Sendable, Hashable, CaseIterable {
        /// One row below and one column to the right (`downsample_padding=0`).
        case asymmetric
        /// One row and one column on every side (`downsample_padding=1`).
        case symmetric
    }

    /// Channels of the input image.
    public var imageChannels: Int
    /// Channels of the output.
    public var outputChannels: Int
    /// The width of the stem and of the sinusoidal timestep embedding.
    public var modelChannels: Int
    /// The width of each level in channels, finest first.
    public var levelChannels: [Int]
    /// Residual blocks a level on the way down; one more on the way up.
    public var residualBlocks: Int
    /// Levels (0 = finest) whose residual blocks are followed by attention on the way down.
    public var attentionLevels: [Int]
    /// The same on the way up; diffusers names the blocks of each way by themselves.
    public var upAttentionLevels: [Int]
    /// Channels of an attention head, or nil when every block has one head.
    public var headChannels: Int?
    /// The epsilon of every group normalisation.
    public var normEpsilon: Double
    /// Which half of the timestep embedding comes first.
    public var timestepOrder: TimestepOrder
    /// What is taken off the divisor of the embedding's exponents: frequency i is 10000^(−i/(half − shift)); 0 or 1.
    public var frequencyShift: Int
    /// How stride-2 convolutions are padded.
    public var downPadding: DownPadding

    /// Creates a configuration; the defaults are those of the published DDPM networks, which attend on both ways alike.
    public init(
        imageChannels: Int = 3, outputChannels: Int = 3, modelChannels: Int, levelChannels: [Int], residualBlocks: Int,
        attentionLevels: [Int], upAttentionLevels: [Int]? = nil, headChannels: Int? = nil,
        normEpsilon: Double = 1e-6, timestepOrder: TimestepOrder = .sineFirst, frequencyShift: Int = 1,
        downPadding: DownPadding = .asymmetric
    ) {
        self.imageChannels = imageChannels
        self.outputChannels = outputChannels
        self.modelChannels = modelChannels
        self.levelChannels = levelChannels
        self.residualBlocks = residualBlocks
        self.attentionLevels = attentionLevels
        self.upAttentionLevels = upAttentionLevels ?? attentionLevels
        self.headChannels = headChannels
        self.normEpsilon = normEpsilon
        self.timestepOrder = timestepOrder
        self.frequencyShift = frequencyShift
        self.downPadding = downPadding
    }

    /// The width of the timestep embedding, 4·`modelChannels`.
    public var embeddingChannels: Int { 4 * modelChannels }

    /// The multiple that both sides of an input image must be of.
    public var sizeMultiple: Int { 1 << (levelChannels.count - 1) }

    /// Levels with attention anywhere: on the way down or up, or in the middle block, which always has it.
    public var attendingLevels: [Int] {
        Set(attentionLevels + upAttentionLevels + [levelChannels.count - 1]).sorted()
    }

    /// The number of heads of an attention block of `width` channels, or nil when the heads do not divide it.
    public func headCount(width: Int) -> Int? {
        guard let headChannels else { return 1 }
        return headChannels > 0 && width % headChannels == 0 ? width / headChannels : nil
    }
}
