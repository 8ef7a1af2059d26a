import UD2MFormats

/// Recognises DDPM U-Nets under pesser's names and diffusers', and reads their configuration off the shapes
/// (`networks.md` §2).
struct DDPMFamily: ArchitectureFamily {
    let identifier = "ddpm"
    let title = "DDPM U-Net"
    let name = "a DDPM U-Net"
    var knownModels: [KnownModel] { DDPMKnownModels.all }
    let roots: Set = [
        "temb", "conv_in", "down", "mid", "up", "norm_out", "conv_out", "time_embedding", "down_blocks", "mid_block",
        "up_blocks", "conv_norm_out",
    ]

    func resembles(_ shapes: StateDictShapes) -> Bool { DDPMNames(shapes) != nil }

    func detect(
        _ shapes: StateDictShapes, options: DetectionOptions
    ) throws(UD2MError) -> DetectedArchitecture {
        guard let names = DDPMNames(shapes) else {
            throw UD2MError(.architectureUnknown, "The names are not those of \(name).")
        }
        let isPesser = names.convention == .pesser
        try refuseRelatives(shapes, names)
        var configuration = try shape(shapes, names)
        let config = isPesser ? nil : try DiffusersConfiguration(beside: shapes.file)
        var evidence = [
            isPesser
                ? "down, mid and up: a DDPM U-Net under pesser's names"
                : "down_blocks, mid_block and up_blocks: a diffusers UNet2DModel, its attention named as "
                    + (names.convention == .diffusers ? "since 0.15" : "before 0.15"),
            "\(configuration.levelChannels.count) levels of \(configuration.residualBlocks) residual blocks, widths "
                + "\(configuration.levelChannels), \(configuration.attention)",
        ]
        if let config {
            try config.apply(to: &configuration)
            evidence.append("config.json beside the checkpoint: \(configuration.conventions)")
        } else {
            evidence.append(
                isPesser
                    ? "as these networks are published: \(configuration.conventions)"
                    : "no config.json beside the checkpoint; assumed as in google/ddpm-*: \(configuration.conventions)")
        }
        if let given = try DDPMOverrides(options).apply(to: &configuration) { evidence.append(given) }
        let schedule = isPesser ? nil : try DiffusersSchedule(beside: shapes.file)
        if let schedule { evidence.append(schedule.evidence) }
        let parameters = configuration.parameters
        var detected = DetectedArchitecture(
            family: self, configuration: .ddpm(configuration), details: configuration.summary,
            parameters: parameters, layout: names.layout(parameters, shapes: shapes), evidence: evidence)
        detected.schedule = schedule
        detected.notes += [schedule?.note].compactMap(\.self)
        return detected
    }

    /// diffusers' other U-Nets share these names.
    private func refuseRelatives(_ shapes: StateDictShapes, _ names: DDPMNames) throws(UD2MError) {
        guard names.convention != .pesser else { return }
        for (marker, relative) in [
            ("class_embedding.weight", "a class-conditional UNet2DModel"),
            ("down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight", "a text-conditional U-Net"),
            ("mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight", "a text-conditional U-Net"),
        ] where shapes.has(marker) {
            throw UD2MError(
                .architectureUnsupported, "This is \(relative) of diffusers, which is not converted.",
                at: .init(tensor: marker))
        }
    }

    /// What the shapes tell; the rest as published.
    private func shape(_ shapes: StateDictShapes, _ names: DDPMNames) throws(UD2MError) -> DDPMConfiguration {
        let isPesser = names.convention == .pesser
        let levels = try shapes.count(under: isPesser ? "down" : "down_blocks", limit: 16, family: name)
        let blocks = try shapes.count(under: names.name("down.0.block"), limit: 64, family: name)
        var levelChannels: [Int] = []
        // One tensor is enough to show attention, so that a lost one is missed rather than taken for another network.
        func attends(_ way: String, _ level: Int) -> Bool {
            !shapes.indices(under: names.name("\(way).\(level).attn")).isEmpty
        }
        for level in 0..<levels {
            let residuals =
                (0..<blocks).map { "down.\(level).block.\($0)" } + (0...blocks).map { "up.\(level).block.\($0)" }
            let convolutions = residuals.flatMap { ["\($0).conv1", "\($0).conv2"] }
            levelChannels.append(try shapes.commonChannels(convolutions.map(names.name), family: name))
        }
        let attentionLevels = (0..<levels).filter { attends("down", $0) }
        let configuration = DDPMConfiguration(
            imageChannels: try size(shapes, names, "conv_in.weight", axis: 1),
            outputChannels: try size(shapes, names, "conv_out.weight", axis: 0),
            modelChannels: try size(shapes, names, "temb.dense.0.weight", axis: 1, rank: 2),
            levelChannels: levelChannels, residualBlocks: blocks, attentionLevels: attentionLevels,
            // A level that is lost on the way up was as it is on the way down.
            upAttentionLevels: (0..<levels).filter { level in
                let isLost = shapes.indices(under: names.name("up.\(level).block")).isEmpty
                return attends(isLost ? "down" : "up", level)
            })
        for (width, tensor) in zip(levelChannels, levelChannels.indices.map { "down.\($0).block.0.conv1.weight" })
            + [(configuration.modelChannels, "conv_in.weight")]
        where width % 32 != 0 {
            throw UD2MError(
                .architectureShape, "\(width) channels are not divided by 32 normalisation groups.",
                at: .init(tensor: names.name(tensor)))
        }
        for (channels, tensor) in [
            (configuration.imageChannels, "conv_in.weight"), (configuration.outputChannels, "conv_out.weight"),
        ] where channels > 64 {
            throw UD2MError(
                .architectureShape, "\(channels) channels are more than the 64 that an image may have.",
                at: .init(tensor: tensor))
        }
        return configuration
    }

    private func size(
        _ shapes: StateDictShapes, _ names: DDPMNames, _ store: String, axis: Int, rank: Int = 4
    ) throws(UD2MError) -> Int {
        try shapes.size(names.name(store), axis: axis, rank: rank, family: name)
    }
}

extension DDPMConfiguration {
    /// One line for a person: "3 → 3 channels, widths 128 256, 2 residual blocks a level, one head".
    public var summary: String {
        let widths = levelChannels.map(String.init).joined(separator: " ")
        let blocks = residualBlocks == 1 ? "1 residual block" : "\(residualBlocks) residual blocks"
        return "\(imageChannels) → \(outputChannels) channels, widths \(widths), \(blocks) a level, unconditional"
    }

    /// "attention at levels [4]", or "attention at levels [1] on the way down and [] on the way up".
    var attention: String {
        let down = "attention at levels \(attentionLevels)"
        return upAttentionLevels == attentionLevels
            ? down : "\(down) on the way down and \(upAttentionLevels) on the way up"
    }

    /// What no tensor tells: "one head, epsilon 1e-06, sine-first, frequency shift 1, asymmetric padding".
    var conventions: String {
        let heads = headChannels.map { "heads of \($0) channels" } ?? "one head"
        return "\(heads), epsilon \(normEpsilon), \(timestepOrder.rawValue) embedding, frequency shift "
            + "\(frequencyShift), \(downPadding.rawValue) padding before downsampling"
    }
}
