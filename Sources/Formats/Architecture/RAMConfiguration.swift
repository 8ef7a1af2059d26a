/// The shape of a RAM network (Reconstruct Anything Model; `networks.md` §3), and whose semantics it runs with.
public struct RAMConfiguration: Sendable, Hashable {
    /// Two programs run the same weights to different results (`networks.md` §3.4).
    public enum Flavour: String, Sendable, Hashable, CaseIterable {
        /// `matthieutrs/ram`, which UD2M imports.
        case original
        /// deepinv 0.5.
        case deepinv
    }

    /// The number of scales; the image is halved between them.
    public static let scaleCount = 4

    /// The width of each of the four scales in channels, finest first.
    public var widths: [Int]
    /// Residual blocks of each of the seven stages.
    public var blocksPerLevel: Int
    /// Channel counts of the images that have a head and a tail; position i has the names `…{i}`.
    public var imageChannels: [Int]
    /// The semantics to run with unless another is asked for.
    public var flavour: Flavour

    /// Creates a configuration.
    public init(widths: [Int], blocksPerLevel: Int, imageChannels: [Int], flavour: Flavour) {
        self.widths = widths
        self.blocksPerLevel = blocksPerLevel
        self.imageChannels = imageChannels
        self.flavour = flavour
    }
}
