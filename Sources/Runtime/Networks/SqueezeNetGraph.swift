import UD2MFormats

extension SqueezeNetConfiguration: NetworkDefinition {
    /// The smallest side leaves two pixels for the last pooling.
    var networkInputs: [NetworkInput] {
        [NetworkInput(name: "x", kind: .image(channels: 3, sides: .init(minimum: 17)))]
    }

    var outputChannels: Int { classCount ?? fires.last?.outputChannels ?? 0 }

    /// Positions in `features` after which LPIPS compares; their taps are `relu1` to `relu7` (`networks.md` §4).
    private static let tapIndices = [1, 4, 7, 9, 10, 11, 12]

    /// The SqueezeNet 1.1 of this configuration: input `x`, normalised as its training images were.
    ///
    /// The output are the logits [N, classes], or the last activation where there is no classifier.
    /// - Throws: `network-configuration` when the numbers describe no network.
    package func graph() throws -> Graph {
        try requireBuildable(
            fires.count == Self.fireIndices.count,
            widths: [stemChannels, classCount ?? 1] + fires.flatMap { [$0.squeeze, $0.expand1x1, $0.expand3x3] })
        var builder = GraphBuilder()
        var h = builder.convolution(
            builder.image("x", channels: 3), "features.0", channels: stemChannels, kernel: 3, stride: 2,
            padding: Padding(0), activation: .relu)
        builder.tap("relu1", h)
        for (index, fire) in zip(Self.fireIndices, fires) {
            // The poolings stand in the gaps between fire modules.
            if !Self.fireIndices.contains(index - 1) {
                h = builder.pool(h, .maximum(window: 3, stride: 2, isCeiling: true))
            }
            h = Self.fire(h, "features.\(index)", fire, &builder)
            if let tap = Self.tapIndices.firstIndex(of: index) { builder.tap("relu\(tap + 1)", h) }
        }
        guard let classCount else { return builder.finish(h) }
        h = builder.convolution(h, "classifier.1", channels: classCount, kernel: 1, activation: .relu)
        return builder.finish(builder.globalAverage(h))
    }

    private static func fire(
        _ x: FeatureMap, _ prefix: String, _ fire: Fire, _ builder: inout GraphBuilder
    ) -> FeatureMap {
        let squeezed = builder.convolution(
            x, "\(prefix).squeeze", channels: fire.squeeze, kernel: 1, activation: .relu)
        let small = builder.convolution(
            squeezed, "\(prefix).expand1x1", channels: fire.expand1x1, kernel: 1, activation: .relu)
        let large = builder.convolution(
            squeezed, "\(prefix).expand3x3", channels: fire.expand3x3, kernel: 3, activation: .relu)
        return builder.concat(small, large)
    }
}
