import UD2MFormats

extension VGGConfiguration: NetworkDefinition {
    /// The smallest side keeps one pixel: four poolings before the last convolution, a fifth before the classifier.
    var networkInputs: [NetworkInput] {
        [NetworkInput(name: "x", kind: .image(channels: 3, sides: .init(minimum: hasClassifier ? 32 : 16)))]
    }

    var outputChannels: Int { classifierWidths.last ?? widths.last ?? 0 }

    /// The VGG-16 of this configuration (`networks.md` §4): input `x`, normalised as its training images were.
    ///
    /// The output are the logits [N, classes], or the last activation where there is no classifier. Taps `relu1_1` to
    /// `relu5_3` are the activations, by stage and convolution.
    /// - Throws: `network-configuration` when the numbers describe no network.
    package func graph() throws -> Graph {
        try requireBuildable(
            widths.count == Self.convolutionIndices.count && classifierWidths.count <= 3
                && classifierWidths.count != 1 && classifierWidths.count != 2, widths: widths + classifierWidths)
        var builder = GraphBuilder()
        let h = features(builder.image("x", channels: 3), &builder)
        guard hasClassifier else { return builder.finish(h) }
        let pooled = builder.pool(
            builder.pool(h, .maximum(window: 2, stride: 2)), .adaptiveAverage(side: Self.classifierGrid))
        var vector = builder.flatten(pooled, positions: Self.classifierGrid * Self.classifierGrid)
        for (index, (position, width)) in zip([0, 3, 6], classifierWidths).enumerated() {
            if index > 0 { vector = builder.activate(vector, .relu) }
            vector = builder.linear(vector, "classifier.\(position)", channels: width)
        }
        return builder.finish(vector)
    }

    /// The convolutions, each followed by a ReLU, with pooling between stages.
    private func features(_ image: FeatureMap, _ builder: inout GraphBuilder) -> FeatureMap {
        var h = image
        for (stage, (indices, width)) in zip(Self.convolutionIndices, widths).enumerated() {
            if stage > 0 { h = builder.pool(h, .maximum(window: 2, stride: 2)) }
            for (position, index) in indices.enumerated() {
                h = builder.convolution(h, "features.\(index)", channels: width, kernel: 3, activation: .relu)
                builder.tap("relu\(stage + 1)_\(position + 1)", h)
            }
        }
        return h
    }
}
