import UD2MFormats

extension RAMConfiguration {
    /// The seven stages in the order of the state dict, each with the scale whose width it has.
    static let stages = [
        (name: "m_down1", scale: 0), (name: "m_down2", scale: 1), (name: "m_down3", scale: 2),
        (name: "m_body", scale: 3), (name: "m_up3", scale: 2), (name: "m_up2", scale: 1), (name: "m_up1", scale: 0),
    ]
    /// Learned scalars of the original layout that no formula uses (`networks.md` §0).
    static let unusedGains = ["gain", "gain_gradx", "gain_grady", "gain_pinvx", "gain_pinvy"]

    /// Every tensor of the network in deepinv's layout (`networks.md` §3.1).
    ///
    /// It includes the `zero_conv_skip` of the decoding tails, which no formula uses either, so that the store is what
    /// deepinv loads strictly. The original layout has the ``unusedGains`` besides.
    public var parameters: [ParameterDescription] {
        var list = ParameterList()
        list.add("fact_realign", [1])
        for (index, channels) in imageChannels.enumerated() {
            // The map of σ and the map of the gain come with the image.
            list.add("m_head.conv\(index).weight", [widths[0], channels + 2, 3, 3])
        }
        for (position, stage) in Self.stages.enumerated() {
            // A stage on the way up follows its upsampling, one on the way down is followed by its downsampling.
            for block in 0..<blocksPerLevel { addBlock("\(stage.name).enc.\(block)", widths[stage.scale], &list) }
            if position < 3 {
                list.add("pool\(position + 1).weight", [widths[position + 1], widths[position], 2, 2])
            }
        }
        for level in (1...3).reversed() {
            list.add("up\(level).weight", [widths[level], widths[level - 1], 2, 2])
        }
        for (index, channels) in imageChannels.enumerated() {
            list.add("m_tail.conv\(index).weight", [channels, widths[0], 3, 3])
        }
        return list.parameters
    }

    private func addBlock(_ prefix: String, _ width: Int, _ list: inout ParameterList) {
        list.add("\(prefix).gain", [1])
        list.add("\(prefix).conv1.weight", [width, width, 3, 3])
        list.add("\(prefix).conv2.weight", [width, width, 3, 3])
        for (index, channels) in imageChannels.enumerated() {
            let tail = "\(prefix).PhysicsBlock.decoding_conv.tail\(index)"
            list.add("\(tail).convin.weight", [2 * channels, width, 3, 3])
            list.add("\(tail).zero_conv_skip.weight", [2 * channels, width, 1, 1])
        }
        for (index, channels) in imageChannels.enumerated() {
            let head = "\(prefix).PhysicsBlock.encoding_conv.head\(index)"
            let inner = 6 * channels
            list.add("\(head).convin.weight", [inner, inner, 3, 3])
            list.add("\(head).zero_conv_skip.weight", [inner, inner, 1, 1])
            list.add("\(head).conv10.weight", [inner, inner, 3, 3])
            list.add("\(head).conv20.weight", [width, inner, 3, 3])
            list.add("\(head).skipconv0.weight", [width, inner, 1, 1])
        }
    }

    /// The original layout, which has scalars besides that no formula uses. All of them, or those that are there: which
    /// are does not matter.
    func originalLayout(where isPresent: (TensorName) -> Bool = { _ in true }) -> TensorLayout {
        let all = Self.stages.flatMap { stage in
            (0..<blocksPerLevel).flatMap { block in
                Self.unusedGains.map { TensorName("\(stage.name).enc.\(block).PhysicsBlock.\($0)") }
            }
        }
        let names = all.filter(isPresent)
        var layout = TensorLayout()
        guard !names.isEmpty else { return layout }
        let count = names.count == all.count ? "\(all.count)" : "\(names.count) of the \(all.count)"
        layout.leftOut = [
            .init(
                names, reason: "\(count) learned gains of the original layout that no formula uses",
                parameterCount: names.count)
        ]
        return layout
    }
}
