import UD2MFormats

extension DiscriminatorConfiguration: NetworkDefinition {
    var networkInputs: [NetworkInput] {
        let sides = NetworkInput.Sides(minimum: imageSize, maximum: imageSize)
        return [
            NetworkInput(name: "x", kind: .image(channels: imageChannels, sides: sides)),
            NetworkInput(name: "y", kind: .lowResolutionImage(channels: imageChannels)),
        ]
    }

    var outputChannels: Int { 1 }

    /// UD2M's discriminator (`networks.md` §6): inputs `x`, an image, and `y`, what it was observed as, resized to it.
    ///
    /// The output [N, 1] is the sigmoid of the tap `dense_layer.1`. Taps carry the names of the PyTorch modules.
    /// - Throws: `network-configuration` when the numbers describe no network.
    package func graph() throws -> Graph {
        let isSound =
            (1...12).contains(layers) && (1...Network.maximumSide).contains(imageSize)
            && imageSize % (1 << layers) == 0
        try requireBuildable(isSound, widths: widths + [stemChannels, imageChannels])
        var builder = GraphBuilder()
        let image = builder.image("x", channels: imageChannels)
        let observed = builder.image("y", channels: imageChannels)
        var h = builder.concat(image, builder.resizeBilinear(observed, toSizeOf: image))
        h = builder.convolution(
            h, "initial_layers.0", channels: stemChannels, kernel: 3, activation: .leakyReLU(slope: 0.01))
        builder.tap("initial_layers", h)
        for (index, width) in widths.enumerated() {
            let name = "encoder_layers.\(index)"
            h = builder.pool(h, .average(window: 2, stride: 2))
            h = builder.convolution(h, "\(name).downsample.1", channels: width, kernel: 3)
            h = builder.activate(builder.instanceNorm(h), .leakyReLU(slope: 0.2))
            builder.tap(name, h)
        }
        let vector = builder.flatten(h, positions: finalSize * finalSize)
        let logit = builder.linear(vector, "dense_layer.1", channels: 1)
        builder.tap("dense_layer.1", logit)
        return builder.finish(builder.activate(logit, .sigmoid))
    }
}
