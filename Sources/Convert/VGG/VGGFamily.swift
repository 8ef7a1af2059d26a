import UD2MFormats

/// Recognises VGG-16 in torchvision's layout, with or without its classifier (`networks.md` §4).
struct VGGFamily: ArchitectureFamily {
    let identifier = "vgg16"
    let title = "VGG-16"
    let name = "a VGG-16 network"

    var knownModels: [KnownModel] { Self.published }
    let roots: Set = ["features", "classifier"]

    /// The configuration of the published weights.
    static let full = VGGConfiguration(widths: [64, 128, 256, 512, 512], classifierWidths: [4096, 4096, 1000])
    private static let published = [
        KnownModel(name: "vgg16", description: "ImageNet classifier", parameters: full.parameters),
        KnownModel(
            name: "vgg16 features", description: "without its classifier",
            parameters: VGGConfiguration(widths: full.widths).parameters),
    ]
    /// Indices of the convolutions that tell the other depths apart.
    private static let others: [(name: String, indices: [Int])] = [
        ("VGG-13", [0, 2, 5, 7, 10, 12, 15, 17, 20, 22]),
        ("VGG-19", [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]),
    ]

    func resembles(_ shapes: StateDictShapes) -> Bool {
        // With linear layers of LPIPS it is a metric network; fire modules are SqueezeNet's.
        shapes.has("features.0.weight") && (shapes.has("features.2.weight") || shapes.has("features.3.weight"))
            && !shapes.has("lin0.model.1.weight")
    }

    func detect(
        _ shapes: StateDictShapes, options: DetectionOptions
    ) throws(UD2MError) -> DetectedArchitecture {
        try refuseOthers(shapes)
        let widths = try Self.widths(shapes, family: name) { "features.\($0)" }
        var classifier: [Int] = []
        if !shapes.indices(under: "classifier").isEmpty {
            for index in [0, 3, 6] {
                classifier.append(
                    try shapes.size("classifier.\(index).weight", axis: 0, rank: 2, family: name))
            }
        }
        let configuration = VGGConfiguration(widths: widths, classifierWidths: classifier)
        return DetectedArchitecture(
            family: self, configuration: .vgg16(configuration), details: configuration.summary,
            parameters: configuration.parameters,
            evidence: [
                "features.0…features.28, thirteen convolutions: VGG-16 as torchvision writes it",
                "widths \(widths), " + (classifier.isEmpty ? "features only" : "classifier of \(classifier)"),
            ])
    }

    /// The widths of the five stages, which the convolutions of each agree on. `name` gives the checkpoint's prefix of the layer
    /// with an index in `features`.
    static func widths(
        _ shapes: StateDictShapes, family: String, name: (Int) -> String
    ) throws(UD2MError) -> [Int] {
        var widths: [Int] = []
        for indices in VGGConfiguration.convolutionIndices {
            widths.append(try shapes.commonChannels(indices.map(name), family: family))
        }
        return widths
    }

    private func refuseOthers(_ shapes: StateDictShapes) throws(UD2MError) {
        let convolutions = shapes.indices(under: "features").filter { shapes["features.\($0).weight"]?.count == 4 }
        var found: String?
        if shapes.has("features.1.running_mean") { found = "a VGG network with batch normalisation" }
        if convolutions == [0, 3, 6, 8, 11, 13, 16, 18] { found = "VGG-11" }
        if shapes["features.0.weight"] == [64, 3, 11, 11] { found = "AlexNet" }
        found = found ?? Self.others.first { $0.indices == convolutions }?.name
        guard let found else { return }
        throw UD2MError(
            .architectureUnsupported, "This is \(found); of its kind only VGG-16 is converted.",
            at: .init(tensor: "features.0.weight"))
    }
}

extension VGGConfiguration {
    /// One line for a person: "widths 64 128 256 512 512, 1000 classes".
    public var summary: String {
        let head = classifierWidths.last.map { "\($0) classes" } ?? "features only"
        return "widths \(widths.map(String.init).joined(separator: " ")), \(head)"
    }
}
