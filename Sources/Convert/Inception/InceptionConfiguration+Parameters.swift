import UD2MFormats

extension InceptionConfiguration {
    /// Statistics and scale of batch normalisation, in the order of the state dict.
    private static let normalization = [
        (name: "weight", isBuffer: false), (name: "bias", isBuffer: false), (name: "running_mean", isBuffer: true),
        (name: "running_var", isBuffer: true),
    ]

    /// Every tensor of the network under pytorch-fid's names, without the counters of batches (`networks.md` §5).
    public var parameters: [ParameterDescription] {
        var list = ParameterList()
        for ((unit, input), width) in zip(zip(InceptionUnit.all, inputWidths), widths) {
            list.add("\(unit.name).conv.weight", [width, input] + unit.kernel)
            for part in Self.normalization {
                list.add("\(unit.name).bn.\(part.name)", [width], isBuffer: part.isBuffer)
            }
        }
        list.affine("fc", [classCount, featureChannels])
        return list.parameters
    }

    /// The layout with the counters of batches.
    var countingLayout: TensorLayout {
        var layout = TensorLayout()
        layout.leftOut = [
            .init(
                InceptionUnit.all.map { TensorName("\($0.name).bn.num_batches_tracked") },
                reason: "num_batches_tracked, which only training uses")
        ]
        return layout
    }
}
