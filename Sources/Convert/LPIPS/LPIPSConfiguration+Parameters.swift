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

    /// The first layer of each slice of the `lpips` package's trunks, but for the first slice.
    private static let sliceStarts = (vgg16: [4, 9, 16, 23], squeezeNet: [2, 5, 8, 10, 11, 12])

    /// The `lpips` package's prefix of the layer with an index in `features`: `"net.slice2.5"`.
    static func slicedName(of index: Int, isSqueezeNet: Bool) -> String {
        let starts = isSqueezeNet ? sliceStarts.squeezeNet : sliceStarts.vgg16
        return "net.slice\(1 + starts.count { $0 <= index }).\(index)"
    }

    /// The layout of a full state dict of the `lpips` package: the trunk in slices.
    var slicedLayout: TensorLayout {
        var isSqueezeNet = false
        if case .squeezeNet = trunk { isSqueezeNet = true }
        var layout = TensorLayout()
        for parameter in parameters {
            let parts = parameter.name.text.split(separator: ".", maxSplits: 2)
            guard parts.count == 3, parts[0] == "features", let index = Int(parts[1]) else { continue }
            let prefix = Self.slicedName(of: index, isSqueezeNet: isSqueezeNet)
            layout.renamed[parameter.name] = .init(
                name: TensorName("\(prefix).\(parts[2])"), shape: parameter.shape)
        }
        return layout
    }
}
