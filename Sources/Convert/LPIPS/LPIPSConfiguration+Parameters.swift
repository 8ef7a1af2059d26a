import UD2MFormats

extension LPIPSConfiguration {
    /// Every tensor of the network: the trunk's `features`, then the linear layers (`networks.md` §4).
    public var parameters: [ParameterDescription] {
        let trunk: [ParameterDescription] =
            switch trunk {
            case .vgg16(let vgg): vgg.parameters
            case .squeezeNet(let squeezeNet): squeezeNet.parameters
            }
        return trunk
            + tapChannels.enumerated().map { index, channels in
                ParameterDescription("lin\(index).model.1.weight", [1, channels, 1, 1])
            }
    }

    /// How a checkpoint names the trunk's layers.
    enum TrunkNaming: CaseIterable {
        /// As torchmetrics with SqueezeNet, whose slices are a list that counts from zero: `net.slices.1.4`.
        case sliceList
        /// As the `lpips` package and pyiqa, and torchmetrics with VGG-16: `net.slice2.5`.
        case slices
        /// As torchvision: `features.5`.
        case features

        /// What all of those names start with; the first case that fits a checkpoint is its own.
        var start: String {
            switch self {
            case .sliceList: "net.slices."
            case .slices: "net.slice"
            case .features: "features."
            }
        }

        /// The prefix of the layer with an index in `features`.
        func layerName(_ index: Int, isSqueezeNet: Bool) -> String {
            let starts = isSqueezeNet ? Self.sliceStarts.squeezeNet : Self.sliceStarts.vgg16
            let slice = starts.count { $0 <= index }
            return switch self {
            case .sliceList: "net.slices.\(slice).\(index)"
            case .slices: "net.slice\(1 + slice).\(index)"
            case .features: "features.\(index)"
            }
        }

        /// The first layer of each slice, but for the first slice.
        private static let sliceStarts = (vgg16: [4, 9, 16, 23], squeezeNet: [2, 5, 8, 10, 11, 12])
    }

    /// The layout of a state dict that names the trunk's layers in one of these ways.
    func layout(_ naming: TrunkNaming) -> TensorLayout {
        var isSqueezeNet = false
        if case .squeezeNet = trunk { isSqueezeNet = true }
        var layout = TensorLayout()
        guard naming != .features else { return layout }
        for parameter in parameters {
            let parts = parameter.name.text.split(separator: ".", maxSplits: 2)
            guard parts.count == 3, parts[0] == "features", let index = Int(parts[1]) else { continue }
            let prefix = naming.layerName(index, isSqueezeNet: isSqueezeNet)
            layout.renamed[parameter.name] = .init(
                name: TensorName("\(prefix).\(parts[2])"), shape: parameter.shape)
        }
        return layout
    }
}
