import UD2MFormats

/// Recognises SqueezeNet 1.1 in torchvision's layout, with or without its classifier (`networks.md` §4).
struct SqueezeNetFamily: ArchitectureFamily {
    let identifier = "squeezenet"
    let title = "SqueezeNet 1.1"
    let name = "a SqueezeNet 1.1 network"

    var knownModels: [KnownModel] { Self.published }
    let roots: Set = ["features", "classifier"]

    /// The configuration of the published weights.
    static let full = SqueezeNetConfiguration(
        stemChannels: 64,
        fires: [16, 16, 32, 32, 48, 48, 64, 64].map { .init(squeeze: $0, expand1x1: 4 * $0, expand3x3: 4 * $0) },
        classCount: 1000)
    private static let published = [
        KnownModel(name: "squeezenet1_1", description: "ImageNet classifier", parameters: full.parameters),
        KnownModel(
            name: "squeezenet1_1 features", description: "without its classifier",
            parameters: SqueezeNetConfiguration(stemChannels: full.stemChannels, fires: full.fires).parameters),
    ]

    func resembles(_ shapes: StateDictShapes) -> Bool {
        shapes.has("features.3.squeeze.weight") && !shapes.has("lin0.model.1.weight")
    }

    func detect(
        _ shapes: StateDictShapes, options: DetectionOptions
    ) throws(UD2MError) -> DetectedArchitecture {
        guard !shapes.has("features.5.squeeze.weight") else {
            throw UD2MError(
                .architectureUnsupported, "This is SqueezeNet 1.0; only 1.1 is converted.",
                at: .init(tensor: "features.5.squeeze.weight"))
        }
        var configuration = try Self.features(shapes, family: name) { "features.\($0)" }
        if shapes.has("classifier.1.weight") {
            configuration.classCount = try shapes.size("classifier.1.weight", axis: 0, rank: 4, family: name)
        }
        return DetectedArchitecture(
            family: self, configuration: .squeezeNet(configuration), details: configuration.summary,
            parameters: configuration.parameters,
            evidence: ["features.0 and fire modules 3, 4, 6, 7, 9…12: SqueezeNet 1.1 as torchvision writes it"])
    }

    /// The widths of the stem and of the fire modules. `name` gives the checkpoint's prefix of the layer
    /// with an index in `features`.
    static func features(
        _ shapes: StateDictShapes, family: String, name: (Int) -> String
    ) throws(UD2MError) -> SqueezeNetConfiguration {
        var fires: [SqueezeNetConfiguration.Fire] = []
        for index in SqueezeNetConfiguration.fireIndices {
            func width(_ layer: String) throws(UD2MError) -> Int {
                try shapes.size("\(name(index)).\(layer).weight", axis: 0, rank: 4, family: family)
            }
            fires.append(
                .init(
                    squeeze: try width("squeeze"), expand1x1: try width("expand1x1"),
                    expand3x3: try width("expand3x3")))
        }
        return SqueezeNetConfiguration(
            stemChannels: try shapes.size("\(name(0)).weight", axis: 0, rank: 4, family: family), fires: fires)
    }
}

extension SqueezeNetConfiguration {
    /// One line for a person: "stem of 64 channels, 1000 classes".
    public var summary: String {
        "stem of \(stemChannels) channels, " + (classCount.map { "\($0) classes" } ?? "features only")
    }
}
