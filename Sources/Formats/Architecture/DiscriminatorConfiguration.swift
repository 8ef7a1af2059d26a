/// The shape of UD2M's conditional discriminator (`networks.md` §6).
public struct DiscriminatorConfiguration: Sendable, Hashable {
    /// Channels of one image; the network sees two of them stacked.
    public var imageChannels: Int
    /// The side of the square image in pixels, a multiple of 2^layers.
    public var imageSize: Int
    /// Outputs of the first convolution.
    public var stemChannels: Int
    /// Outputs of each encoder layer; each halves the image first.
    public var widths: [Int]

    /// Creates a configuration.
    public init(imageChannels: Int, imageSize: Int, stemChannels: Int, widths: [Int]) {
        self.imageChannels = imageChannels
        self.imageSize = imageSize
        self.stemChannels = stemChannels
        self.widths = widths
    }

    /// The number of encoder layers.
    public var layers: Int { widths.count }

    /// The side of the map that the linear layer sees.
    public var finalSize: Int { imageSize >> layers }
}
