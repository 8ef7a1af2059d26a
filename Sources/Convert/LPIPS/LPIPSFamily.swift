import UD2MFormats

/// Recognises LPIPS networks: a full state dict of the `lpips` package, torchmetrics or pyiqa, or a trunk in
/// torchvision's names beside the linear layers (`networks.md` §4).
struct LPIPSFamily: ArchitectureFamily {
    let identifier = "lpips"
    let title = "LPIPS"
    let name = "an LPIPS network"

    var knownModels: [KnownModel] { Self.published }
    let roots = Set(["net", "features"] + (0..<7).map { "lin\($0)" })

    private static let published = [
        ("lpips vgg", LPIPSConfiguration.Trunk.vgg16(VGGConfiguration(widths: VGGFamily.full.widths))),
        (
            "lpips squeeze",
            .squeezeNet(
                SqueezeNetConfiguration(
                    stemChannels: SqueezeNetFamily.full.stemChannels, fires: SqueezeNetFamily.full.fires))
        ),
    ].map { name, trunk in
        let configuration = LPIPSConfiguration(trunk: trunk, version: .v0_1)
        return KnownModel(
            name: name, parameters: configuration.parameters,
            layouts: LPIPSConfiguration.TrunkNaming.allCases.map { configuration.layout($0) })
    }

    func resembles(_ shapes: StateDictShapes) -> Bool {
        shapes.has("lin0.model.1.weight") || shapes.has("lins.0.model.1.weight")
    }

    func detect(
        _ shapes: StateDictShapes, options: DetectionOptions
    ) throws(UD2MError) -> DetectedArchitecture {
        guard let naming = trunkNaming(shapes) else { throw trunkMissing(shapes) }
        // The first layer has the same name whatever the trunk.
        let stem = naming.layerName(0, isSqueezeNet: false) + ".weight"
        if shapes[stem]?.last == 11 {
            throw UD2MError(
                .architectureUnsupported, "This is LPIPS with AlexNet; VGG-16 and SqueezeNet 1.1 are converted.",
                at: .init(tensor: stem))
        }
        let isSqueezeNet = shapes.names.contains { $0.text.hasSuffix(".squeeze.weight") }
        func layerName(_ index: Int) -> String { naming.layerName(index, isSqueezeNet: isSqueezeNet) }
        let trunk: LPIPSConfiguration.Trunk =
            isSqueezeNet
            ? .squeezeNet(try SqueezeNetFamily.features(shapes, family: name, name: layerName))
            : .vgg16(VGGConfiguration(widths: try VGGFamily.widths(shapes, family: name, name: layerName)))
        let configuration = LPIPSConfiguration(trunk: trunk, version: options.lpipsVersion ?? .v0_1)
        let layout = layout(shapes, configuration, naming)
        let trunkName = isSqueezeNet ? "SqueezeNet 1.1" : "VGG-16"
        let trunkEvidence =
            switch naming {
            case .features: "features: an LPIPS network with its trunk"
            case .slices: "net.slice1…: a whole LPIPS network"
            case .sliceList: "net.slices.0…, as torchmetrics has them: a whole LPIPS network"
            }
        var evidence = [
            "linear layers and \(trunkEvidence) of \(trunkName)",
            "taps of \(configuration.tapChannels) channels",
        ]
        evidence += layout.leftOut.map { "left out: \($0.reason)" }
        evidence.append(
            options.lpipsVersion == nil
                ? "version 0.1, assumed: no shape tells it, conversion looks at the numbers (see --lpips-version)"
                : "version \(configuration.version.rawValue) as given")
        var detected = DetectedArchitecture(
            family: self, configuration: .lpips(configuration), details: configuration.summary,
            parameters: configuration.parameters, layout: layout, evidence: evidence)
        // The lpips package keeps the layer in files of either version, torchmetrics in none: only its presence is usual.
        if options.lpipsVersion == nil, !shapes.has("scaling_layer.shift") {
            detected.notes.append(
                "The file has no scaling_layer, and version 0.0 of LPIPS uses none: version 0.1 is assumed. Pass "
                    + "--lpips-version to say which it is.")
        }
        return detected
    }

    /// How the checkpoint names the trunk's layers; nil when it has none.
    private func trunkNaming(_ shapes: StateDictShapes) -> LPIPSConfiguration.TrunkNaming? {
        LPIPSConfiguration.TrunkNaming.allCases.first { naming in
            shapes.names.contains { $0.hasPrefix(naming.start) }
        }
    }

    /// The checkpoint's names, and what it holds besides.
    private func layout(
        _ shapes: StateDictShapes, _ configuration: LPIPSConfiguration, _ naming: LPIPSConfiguration.TrunkNaming
    ) -> TensorLayout {
        var layout = configuration.layout(naming)
        let names = shapes.names.sorted()
        let duplicates = names.filter { $0.hasPrefix("lins.") }
        if shapes.has("lin0.model.1.weight") {
            if !duplicates.isEmpty {
                layout.leftOut.append(.init(duplicates, reason: "lins.*, which repeat lin0, lin1, …"))
                for index in configuration.tapChannels.indices {
                    layout.constants[TensorName("lins.\(index).model.1.weight")] = .copy(
                        of: TensorName("lin\(index).model.1.weight"))
                }
            }
        } else {
            for (index, channels) in configuration.tapChannels.enumerated() {
                layout.renamed[TensorName("lin\(index).model.1.weight")] = .init(
                    name: TensorName("lins.\(index).model.1.weight"), shape: [1, channels, 1, 1])
            }
        }
        let scaling = names.filter { $0.hasPrefix("scaling_layer.") }
        if !scaling.isEmpty {
            layout.leftOut.append(.init(scaling, reason: "scaling_layer, whose constants belong to the metric"))
            layout.constants["scaling_layer.shift"] = .numbers(LPIPSConfiguration.scalingShift)
            layout.constants["scaling_layer.scale"] = .numbers(LPIPSConfiguration.scalingScale)
        }
        let classifier = names.filter { $0.hasPrefix("classifier.") }
        if !classifier.isEmpty {
            layout.leftOut.append(.init(classifier, reason: "the trunk's classifier, which LPIPS does not use"))
        }
        return layout
    }

    /// The file has linear layers only; their widths say which trunk they belong to.
    private func trunkMissing(_ shapes: StateDictShapes) -> UD2MError {
        let channels = (0..<7).compactMap { index in shapes["lin\(index).model.1.weight"]?.dropFirst().first }
        let trunk: (name: String, file: String)? =
            switch (channels.count, channels.dropFirst().first) {
            case (5, 192?): nil
            case (7, _): ("SqueezeNet 1.1", "squeezenet1_1-b8a52dc0.pth")
            default: ("VGG-16", "vgg16-397923af.pth")
            }
        guard let trunk else {
            return UD2MError(
                .architectureUnsupported,
                "These are the linear layers of LPIPS with AlexNet; VGG-16 and SqueezeNet 1.1 are converted.",
                at: .init(tensor: "lin0.model.1.weight"))
        }
        return UD2MError(
            .trunkMissing,
            "These are the linear layers of LPIPS, \(channels.count) of them, without the \(trunk.name) trunk they "
                + "belong to.", at: .init(tensor: "lin0.model.1.weight"),
            remedy: "Convert the trunk with them: ud2m-convert \(trunk.file) out.ud2w --lpips-linear "
                + "\(shapes.file ?? "lin.pth")")
    }
}

extension LPIPSConfiguration {
    /// One line for a person: "VGG-16 trunk, version 0.1".
    public var summary: String {
        switch trunk {
        case .vgg16: "VGG-16 trunk, version \(version.rawValue)"
        case .squeezeNet: "SqueezeNet 1.1 trunk, version \(version.rawValue)"
        }
    }
}

extension UD2MError.Code {
    /// A file has the linear layers of LPIPS and no feature network.
    public static let trunkMissing = UD2MError.Code("trunk-missing", .badData)
}
