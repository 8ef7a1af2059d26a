/// The shape of an LPIPS metric network: a feature network and a linear layer for each of its taps (`networks.md` §4).
public struct LPIPSConfiguration: Sendable, Hashable {
    /// The feature network.
    public enum Trunk: Sendable, Hashable {
        /// VGG-16 without its classifier; five taps.
        case vgg16(VGGConfiguration)
        /// SqueezeNet 1.1 without its classifier; seven taps.
        case squeezeNet(SqueezeNetConfiguration)
    }

    /// The version of the linear layers.
    public enum Version: String, Sendable, Hashable, CaseIterable {
        /// Inputs pass the scaling layer.
        case v0_1 = "0.1"
        /// Inputs do not pass a scaling layer.
        case v0_0 = "0.0"
    }

    /// What the scaling layer takes off red, green and blue, in images on the scale [-1, 1].
    public static let scalingShift: [Float] = [-0.030, -0.088, -0.188]
    /// What the scaling layer divides them by.
    public static let scalingScale: [Float] = [0.458, 0.448, 0.450]

    /// The feature network; it has no classifier.
    public var trunk: Trunk
    /// The version of the linear layers.
    public var version: Version

    /// Creates a configuration.
    public init(trunk: Trunk, version: Version) {
        self.trunk = trunk
        self.version = version
    }

    /// Indices in `features` after which the maps are compared; a ReLU's output each.
    public var tapIndices: [Int] {
        switch trunk {
        case .vgg16: VGGConfiguration.convolutionIndices.compactMap { stage in stage.last.map { $0 + 1 } }
        case .squeezeNet: [1, 4, 7, 9, 10, 11, 12]
        }
    }

    /// Channels at each tap, which are the inputs of the linear layers.
    public var tapChannels: [Int] {
        switch trunk {
        case .vgg16(let vgg): vgg.widths
        case .squeezeNet(let squeezeNet):
            [squeezeNet.stemChannels]
                + zip(SqueezeNetConfiguration.fireIndices, squeezeNet.fires)
                .filter { tapIndices.contains($0.0) }.map(\.1.outputChannels)
        }
    }
}
