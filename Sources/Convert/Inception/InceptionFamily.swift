import UD2MFormats

/// Recognises the Inception-v3 that FID is computed with, as pytorch-fid and torch-fidelity publish it
/// (`networks.md` §5).
struct InceptionFamily: ArchitectureFamily {
    let identifier = "inception"
    let title = "FID Inception-v3"
    let name = "the Inception-v3 of FID"

    var knownModels: [KnownModel] { Self.published }
    let roots = Set(InceptionUnit.all.map { String($0.name.prefix { $0 != "." }) } + ["fc"])

    private static let published: [KnownModel] = {
        let stem = [32, 32, 64, 80, 192]
        let typeA = [32, 64, 64].flatMap { pool in [64, 48, 64, 64, 96, 96, pool] }
        let typeB = [384, 64, 96, 96]
        let typeC = [128, 160, 160, 192].flatMap { inner in
            [192, inner, inner, 192, inner, inner, inner, inner, 192, 192]
        }
        let typeD = [192, 320, 192, 192, 192, 192]
        let typeE = [320, 384, 384, 384, 448, 384, 384, 384, 192]
        let configuration = InceptionConfiguration(
            widths: stem + typeA + typeB + typeC + typeD + typeE + typeE, classCount: 1008)
        return [
            KnownModel(
                name: "pt_inception-2015-12-05", parameters: configuration.parameters,
                layouts: [configuration.countingLayout])
        ]
    }()

    func resembles(_ shapes: StateDictShapes) -> Bool {
        shapes.has("Conv2d_1a_3x3.conv.weight") && shapes.names.contains { $0.hasPrefix("Mixed_") }
    }

    func detect(
        _ shapes: StateDictShapes, options: DetectionOptions
    ) throws(UD2MError) -> DetectedArchitecture {
        // torchvision's classifier has the same names, but was trained with other pooling.
        let auxiliary = shapes.names.filter { $0.hasPrefix("AuxLogits.") }.min()
        if let marker = auxiliary?.text ?? (shapes["fc.weight"]?.first == 1000 ? "fc.weight" : nil) {
            throw UD2MError(
                .architectureUnsupported,
                "This is torchvision's Inception-v3, an ImageNet classifier; FID needs the network of 2015.",
                at: .init(tensor: marker), remedy: "Convert pt_inception-2015-12-05-6726825d.pth of pytorch-fid.")
        }
        var widths: [Int] = []
        for unit in InceptionUnit.all {
            // Where the convolution is lost, its normalisation has as many channels.
            let (convolution, scale) = ("\(unit.name).conv.weight", "\(unit.name).bn.weight")
            widths.append(
                !shapes.has(convolution) && shapes.has(scale)
                    ? try shapes.size(scale, axis: 0, rank: 1, family: name)
                    : try shapes.size(convolution, axis: 0, rank: 4, family: name))
        }
        let configuration = InceptionConfiguration(
            widths: widths, classCount: try shapes.size("fc.weight", axis: 0, rank: 2, family: name))
        let layout = configuration.countingLayout
        let counts = shapes.names.contains { $0.text.hasSuffix(".num_batches_tracked") }
        return DetectedArchitecture(
            family: self, configuration: .inception(configuration), details: configuration.summary,
            parameters: configuration.parameters, layout: layout,
            evidence: [
                "Conv2d_1a_3x3…Mixed_7c and fc: Inception-v3, \(configuration.classCount) classes and no AuxLogits as in FID's"
            ] + (counts ? layout.leftOut.map { "left out: \($0.reason)" } : []))
    }
}

extension InceptionConfiguration {
    /// One line for a person: "2048 features, 1008 classes".
    public var summary: String { "\(featureChannels) features, \(classCount) classes" }
}
