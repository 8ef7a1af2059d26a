/// The shape of a SqueezeNet 1.1 network (torchvision `squeezenet1_1`; `networks.md` §4).
public struct SqueezeNetConfiguration: Sendable, Hashable {
    /// The widths of a fire module: a 1×1 convolution squeezes, a 1×1 and a 3×3 one expand side by side.
    public struct Fire: Sendable, Hashable {
        /// Outputs of `squeeze`.
        public var squeeze: Int
        /// Outputs of `expand1x1`, which come first.
        public var expand1x1: Int
        /// Outputs of `expand3x3`.
        public var expand3x3: Int

        /// Creates a module.
        public init(squeeze: Int, expand1x1: Int, expand3x3: Int) {
            self.squeeze = squeeze
            self.expand1x1 = expand1x1
            self.expand3x3 = expand3x3
        }

        /// Channels of the module's output.
        public var outputChannels: Int { expand1x1 + expand3x3 }
    }

    /// Indices of the fire modules in `features`; 3×3 stride-2 maximum pooling stands at 2, 5 and 8.
    public static let fireIndices = [3, 4, 6, 7, 9, 10, 11, 12]

    /// Outputs of the stem, a 3×3 stride-2 convolution.
    public var stemChannels: Int
    /// The eight fire modules.
    public var fires: [Fire]
    /// The number of classes, or nil when the network is `features` only.
    public var classCount: Int?

    /// Creates a configuration.
    public init(stemChannels: Int, fires: [Fire], classCount: Int? = nil) {
        self.stemChannels = stemChannels
        self.fires = fires
        self.classCount = classCount
    }
}
