import UD2MFormats

/// Recognises RAM networks in the original layout and deepinv's (`networks.md` §3.1).
struct RAMFamily: ArchitectureFamily {
    let identifier = "ram"
    let title = "RAM"
    let name = "a RAM network"

    var knownModels: [KnownModel] { Self.published }
    let roots: Set = [
        "fact_realign", "m_head", "m_down1", "m_down2", "m_down3", "m_body", "m_up3", "m_up2", "m_up1", "m_tail",
        "pool1", "pool2", "pool3", "up1", "up2", "up3",
    ]

    private static let published: [KnownModel] = {
        let configuration = RAMConfiguration(
            widths: [64, 128, 256, 512], blocksPerLevel: 4, imageChannels: [1, 2, 3], flavour: .original)
        return [
            KnownModel(
                name: "ram", description: "1, 2 and 3 channels", parameters: configuration.parameters,
                layouts: [configuration.originalLayout(), TensorLayout()])
        ]
    }()

    func resembles(_ shapes: StateDictShapes) -> Bool {
        shapes.has("m_head.conv0.weight") || shapes.has("m_body.enc.0.conv1.weight")
    }

    func detect(
        _ shapes: StateDictShapes, options: DetectionOptions
    ) throws(UD2MError) -> DetectedArchitecture {
        var widths: [Int] = []
        for stage in ["m_down1", "m_down2", "m_down3", "m_body"] {
            widths.append(try shapes.size("\(stage).enc.0.conv1.weight", axis: 0, rank: 4, family: name))
        }
        let blocks = try shapes.count(under: "m_down1.enc", limit: 64, family: name)
        // UD2M runs the original whatever layout its checkpoint has.
        let isUD2M = shapes.path.contains("RAM_state_dict")
        var configuration = RAMConfiguration(
            widths: widths, blocksPerLevel: blocks, imageChannels: try imageChannels(shapes), flavour: .original)
        let layout = configuration.originalLayout { shapes.has($0.text) }
        let isOriginal = !layout.isStores
        let flavour = options.ramFlavour ?? (isOriginal || isUD2M ? .original : .deepinv)
        configuration.flavour = flavour
        var evidence = [
            "m_head, m_down1…m_body…m_up1 and m_tail: a RAM network, \(isOriginal ? "the original" : "deepinv's") layout",
            "widths \(widths), \(blocks) blocks a stage, heads for \(configuration.imageChannels) channels",
        ]
        evidence += layout.leftOut.map { "left out: \($0.reason)" }
        let reason = isUD2M ? "which UD2M trains with" : "whose layout this is"
        evidence.append(
            options.ramFlavour != nil
                ? "runs as given: the \(flavour.rawValue) flavour"
                : "runs as the \(flavour.rawValue) flavour, \(reason) (see --ram-flavour)")
        return DetectedArchitecture(
            family: self, configuration: .ram(configuration), details: configuration.summary,
            parameters: configuration.parameters, layout: layout, evidence: evidence)
    }

    /// The channels of the images that have a head; the head's input has two more.
    private func imageChannels(_ shapes: StateDictShapes) throws(UD2MError) -> [Int] {
        var list: [Int] = []
        while shapes.has("m_head.conv\(list.count).weight") || list.isEmpty {
            let head = "m_head.conv\(list.count).weight"
            let channels = try shapes.size(head, axis: 1, rank: 4, family: name) - 2
            guard (1...16).contains(channels), channels > (list.last ?? 0), list.count < 16 else {
                throw UD2MError(
                    .architectureShape, "The heads must be for 1 to 16 channels, in ascending order.",
                    at: .init(tensor: head))
            }
            list.append(channels)
        }
        return list
    }
}

extension RAMConfiguration {
    /// One line for a person: "1, 2, 3 channels, widths 64 128 256 512, 4 blocks a stage, the original flavour".
    public var summary: String {
        let channels = imageChannels.map(String.init).joined(separator: ", ")
        let blocks = blocksPerLevel == 1 ? "1 block" : "\(blocksPerLevel) blocks"
        return "\(channels) channels, widths \(widths.map(String.init).joined(separator: " ")), \(blocks) a stage, "
            + "the \(flavour.rawValue) flavour"
    }
}
