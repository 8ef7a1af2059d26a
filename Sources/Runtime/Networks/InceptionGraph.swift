import UD2MFormats

extension InceptionConfiguration: NetworkDefinition {
    /// The smallest side of which the last blocks still see a pixel; metrics use 299.
    var networkInputs: [NetworkInput] {
        [NetworkInput(name: "x", kind: .image(channels: 3, sides: .init(minimum: 75)))]
    }

    var outputChannels: Int { featureChannels }

    /// The Inception-v3 of FID (`networks.md` §5): input `x` in [-1, 1], already resized.
    ///
    /// The output are the pooled features [N, 2048]. Taps: the blocks under their names; `64`, `192`, `768` and `2048`,
    /// the feature layers under the names that FID programs give them; `logits`, [N, classes].
    /// - Throws: `network-configuration` when the numbers describe no network.
    package func graph() throws -> Graph {
        try requireBuildable(widths.count == InceptionUnit.all.count, widths: widths + [classCount])
        var network = InceptionNetwork(widths: widths)
        return network.build(classCount: classCount)
    }
}

/// Inception-v3, block by block as ``InceptionUnit`` wires them.
private struct InceptionNetwork {
    let widths: [Int]
    var builder = GraphBuilder()

    /// Units that halve the map, without padding.
    private static let strided: Set<String> = [
        "Conv2d_1a_3x3", "Mixed_6a.branch3x3", "Mixed_6a.branch3x3dbl_3", "Mixed_7a.branch3x3_2",
        "Mixed_7a.branch7x7x3_4",
    ]
    /// Units without padding that keep the stride of 1.
    private static let unpadded: Set<String> = ["Conv2d_2a_3x3", "Conv2d_4a_3x3"]
    /// Blocks that a 3×3 maximum pooling of stride 2 follows.
    private static let pooled: Set<String> = ["Conv2d_2b_3x3", "Conv2d_4a_3x3"]
    /// The feature layers, by the block they follow.
    private static let layers = ["Conv2d_2b_3x3": "64", "Conv2d_4a_3x3": "192", "Mixed_6e": "768"]

    init(widths: [Int]) {
        self.widths = widths
    }

    mutating func build(classCount: Int) -> Graph {
        var h = builder.image("x", channels: 3)
        for name in InceptionUnit.blocks {
            h = block(name, h)
            builder.tap(name, h)
            if Self.pooled.contains(name) { h = builder.pool(h, .maximum(window: 3, stride: 2)) }
            if let layer = Self.layers[name] { builder.tap(layer, h) }
        }
        let features = builder.globalAverage(h)
        builder.tap("2048", features)
        builder.tap("logits", builder.linear(features, "fc", channels: classCount))
        return builder.finish(features)
    }

    /// The units of a block, their outputs side by side.
    private mutating func block(_ name: String, _ x: FeatureMap) -> FeatureMap {
        var results: [String: FeatureMap] = [:]
        var outputs: [FeatureMap] = []
        for (unit, width) in zip(InceptionUnit.all, widths) where unit.block == name {
            let source = unit.input.flatMap { results[$0] } ?? input(of: unit, x)
            let result = convolution(unit, source, channels: width)
            results[unit.name] = result
            if unit.isOutput { outputs.append(result) }
        }
        if InceptionUnit.poolingBlocks.contains(name) {
            outputs.append(builder.pool(x, .maximum(window: 3, stride: 2)))
        }
        return outputs.count == 1 ? outputs[0] : builder.concat(outputs)
    }

    /// What a unit reads of the block before: its output, pooled for the pooling branch. The last block pools by
    /// maximum, as the weights were trained.
    private mutating func input(of unit: InceptionUnit, _ x: FeatureMap) -> FeatureMap {
        guard unit.name.hasSuffix(".branch_pool") else { return x }
        let isMaximum = unit.block == "Mixed_7c"
        return builder.pool(
            x,
            isMaximum
                ? .maximum(window: 3, stride: 1, padding: 1) : .average(window: 3, stride: 1, padding: 1))
    }

    /// Convolution, batch normalisation, ReLU.
    private mutating func convolution(_ unit: InceptionUnit, _ x: FeatureMap, channels: Int) -> FeatureMap {
        let (height, width) = (unit.kernel[0], unit.kernel[1])
        let isStrided = Self.strided.contains(unit.name)
        let isPadded = !isStrided && !Self.unpadded.contains(unit.name)
        return builder.convolution(
            x,
            Convolution(
                weight: "\(unit.name).conv.weight", bias: nil,
                normalization: BatchNorm("\(unit.name).bn", epsilon: 1e-3), inputChannels: x.channels,
                outputChannels: channels, kernelHeight: height, kernelWidth: width, stride: isStrided ? 2 : 1,
                padding: isPadded ? Padding(vertical: height / 2, horizontal: width / 2) : Padding(0),
                activation: .relu, layout: .planar))
    }
}
