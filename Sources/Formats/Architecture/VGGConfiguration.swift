/// The shape of a VGG-16 network (torchvision `vgg16`; `networks.md` §4).
public struct VGGConfiguration: Sendable, Hashable {
    /// Convolutions of each of the five stages; each is followed by a ReLU, each stage by 2×2 maximum pooling.
    public static let convolutionsPerStage = [2, 2, 3, 3, 3]
    /// The side of the map that the classifier sees after adaptive average pooling.
    public static let classifierGrid = 7
    /// Indices of the convolutions in `features`, stage by stage.
    public static let convolutionIndices = [[0, 2], [5, 7], [10, 12, 14], [17, 19, 21], [24, 26, 28]]

    /// The width of each stage in channels, finest first.
    public var widths: [Int]
    /// Outputs of the three linear layers, the last one the classes; empty when the network is `features` only.
    public var classifierWidths: [Int]

    /// Creates a configuration.
    public init(widths: [Int], classifierWidths: [Int] = []) {
        self.widths = widths
        self.classifierWidths = classifierWidths
    }

    /// Whether the linear layers are there.
    public var hasClassifier: Bool { !classifierWidths.isEmpty }
}
