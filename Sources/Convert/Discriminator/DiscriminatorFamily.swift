import UD2MFormats

/// Recognises UD2M's discriminator (`networks.md` §6).
struct DiscriminatorFamily: ArchitectureFamily {
    let identifier = "discriminator"
    let title = "UD2M discriminator"
    let name = "UD2M's discriminator"

    var knownModels: [KnownModel] { Self.published }
    let roots: Set = ["initial_layers", "encoder_layers", "dense_layer"]

    /// The sizes that UD2M trains at; widths double for the first half of the layers and halve for the rest.
    private static let published = [(256, 3), (128, 3), (64, 3), (32, 3), (32, 1)].map { size, channels in
        let configuration = DiscriminatorConfiguration(
            imageChannels: channels, imageSize: size, stemChannels: 32,
            widths: size >= 128 ? [64, 128, 256, 128, 64] : [64, 128, 64])
        return KnownModel(
            name: "discriminator_\(size)" + (channels == 1 ? "_gray" : ""),
            description: "\(size)×\(size), \(channels) channels", parameters: configuration.parameters)
    }

    func resembles(_ shapes: StateDictShapes) -> Bool {
        shapes.has("initial_layers.0.weight") && shapes.has("dense_layer.1.weight")
    }

    func detect(
        _ shapes: StateDictShapes, options: DetectionOptions
    ) throws(UD2MError) -> DetectedArchitecture {
        let layers = try shapes.count(under: "encoder_layers", limit: 16, family: name)
        var widths: [Int] = []
        for layer in 0..<layers {
            widths.append(
                try shapes.size("encoder_layers.\(layer).downsample.1.weight", axis: 0, rank: 4, family: name))
        }
        let stem = try shapes.size("initial_layers.0.weight", axis: 0, rank: 4, family: name)
        let inputs = try shapes.size("initial_layers.0.weight", axis: 1, rank: 4, family: name)
        guard inputs % 2 == 0, inputs <= 128 else {
            throw UD2MError(
                .architectureShape, "The input must be two images of 1 to 64 channels; it has \(inputs) channels.",
                at: .init(tensor: "initial_layers.0.weight"))
        }
        let features = try shapes.size("dense_layer.1.weight", axis: 1, rank: 2, family: name)
        let side = Int(Double(features / (widths.last ?? 1)).squareRoot().rounded())
        guard let width = widths.last, width * side * side == features, side >= 1, side << layers <= 65_536 else {
            throw UD2MError(
                .architectureShape, "\(features) inputs are no square map of \(widths.last ?? 0) channels.",
                at: .init(tensor: "dense_layer.1.weight"))
        }
        let configuration = DiscriminatorConfiguration(
            imageChannels: inputs / 2, imageSize: side << layers, stemChannels: stem, widths: widths)
        return DetectedArchitecture(
            family: self, configuration: .discriminator(configuration), details: configuration.summary,
            parameters: configuration.parameters,
            evidence: [
                "initial_layers, encoder_layers and dense_layer: UD2M's discriminator",
                "\(layers) layers, \(features) inputs of the last one: images of \(side << layers) pixels a side",
            ])
    }
}

extension DiscriminatorConfiguration {
    /// One line for a person: "256×256, 3 channels, 5 layers".
    public var summary: String { "\(imageSize)×\(imageSize), \(imageChannels) channels, \(layers) layers" }
}
