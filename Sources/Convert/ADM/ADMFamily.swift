import UD2MFormats

/// Recognises ADM U-Nets and reads their configuration off the shapes (`networks.md` §1.4).
struct ADMFamily: ArchitectureFamily {
    let identifier = "adm"
    let title = "ADM U-Net"
    let name = "an ADM U-Net"
    var knownModels: [KnownModel] { Self.published }
    let roots: Set = ["time_embed", "label_emb", "input_blocks", "middle_block", "output_blocks", "out"]

    private static let published = ADMKnownModel.published()

    func knownModels(like configuration: ArchitectureConfiguration) -> [KnownModel] {
        guard case .adm(let configuration) = configuration else { return [] }
        return ADMKnownModel.published {
            $0.modelChannels == configuration.modelChannels
                && $0.levelChannels == configuration.levelChannels
        }
    }

    func resembles(_ shapes: StateDictShapes) -> Bool {
        !shapes.indices(under: "input_blocks").isEmpty && shapes.names.contains { $0.hasPrefix("middle_block.") }
    }

    /// The classifiers share the U-Net's first half and end in a pooling head.
    private func refuseClassifier(_ shapes: StateDictShapes) throws(UD2MError) {
        guard shapes.indices(under: "output_blocks").isEmpty else { return }
        // Attention pooling, adaptive pooling, and linear layers over the features of every level.
        let heads =
            ["out.2.positional_embedding", "out.3.weight"]
            + (shapes["out.2.weight"]?.count == 2 ? ["out.2.weight"] : [])
        for head in heads where shapes.has(head) {
            throw UD2MError(
                .architectureUnsupported,
                "This is an ADM classifier, which guides sampling and is no denoiser; it is not converted.",
                at: .init(tensor: head), remedy: "Convert the diffusion model that it belongs to.")
        }
    }

    func detect(
        _ shapes: StateDictShapes, options: DetectionOptions
    ) throws(UD2MError) -> DetectedArchitecture {
        try refuseClassifier(shapes)
        let modelChannels = try size(shapes, "time_embed.0.weight", axis: 1, rank: 2)
        let inputChannels = try size(shapes, "input_blocks.0.0.weight", axis: 1, rank: 4)
        let outputChannels = try size(shapes, "out.2.weight", axis: 0, rank: 4)
        let (residualBlocks, levels, resampling) = try levelStructure(shapes)

        var levelChannels: [Int] = []
        var attentionLevels: [Int] = []
        for level in 0..<levels {
            let inputs = (1...residualBlocks).map { "input_blocks.\(level * (residualBlocks + 1) + $0)" }
            let outputs = (0...residualBlocks).map {
                "output_blocks.\((levels - 1 - level) * (residualBlocks + 1) + $0)"
            }
            let blocks = inputs + outputs
            levelChannels.append(
                try shapes.commonChannels(
                    blocks.flatMap { ["\($0).0.in_layers.2", "\($0).0.out_layers.3"] }, family: name))
            // A block that has lost its attention is outvoted by the others of its level.
            let attending = blocks.count { attends($0, shapes) }
            let others = blocks.count { !attends($0, shapes) && shapes.has("\($0).0.in_layers.2.weight") }
            if attending > 0, attending >= others { attentionLevels.append(level) }
        }
        let firstEmbedding = try size(shapes, "input_blocks.1.0.emb_layers.1.weight", axis: 0, rank: 2)
        let classCount = shapes.has("label_emb.weight") ? try size(shapes, "label_emb.weight", axis: 0, rank: 2) : nil
        let isSuperResolution = inputChannels == 6 && (outputChannels == 3 || outputChannels == 6)

        var configuration = ADMConfiguration(
            imageChannels: isSuperResolution ? 3 : inputChannels, inputChannels: inputChannels,
            outputChannels: outputChannels, modelChannels: modelChannels, levelChannels: levelChannels,
            residualBlocks: residualBlocks, attentionLevels: attentionLevels, heads: .count(1),
            attentionOrder: .legacy, usesScaleShift: firstEmbedding == 2 * levelChannels[0], resampling: resampling,
            classCount: classCount, isSuperResolution: isSuperResolution)
        try checkWidths(configuration)
        let (source, undecided) = try resolveAttention(&configuration, options: options)

        var detected = DetectedArchitecture(
            family: self, configuration: .adm(configuration), details: configuration.summary,
            parameters: configuration.parameters,
            evidence: [
                "input_blocks, middle_block and output_blocks: an ADM U-Net",
                "\(levels) levels of \(residualBlocks) residual blocks, widths \(levelChannels)",
                "resampling by \(resampling.rawValue)",
                source,
            ])
        detected.undecided = undecided
        return detected
    }

    /// Whether a block has any tensor of an attention block.
    private func attends(_ block: String, _ shapes: StateDictShapes) -> Bool {
        ["norm", "qkv", "proj_out"].contains { layer in
            shapes.has("\(block).1.\(layer).weight") || shapes.has("\(block).1.\(layer).bias")
        }
    }

    private func size(
        _ shapes: StateDictShapes, _ name: String, axis: Int, rank: Int
    ) throws(UD2MError) -> Int {
        try shapes.size(name, axis: axis, rank: rank, family: self.name)
    }

    /// Blocks a level, the number of levels, and how levels change resolution.
    ///
    /// Every level has R+1 output blocks, and the last one of every level but the finest goes up. A down block is
    /// indistinguishable from a plain one by its shapes, so the first block that goes up tells R.
    private func levelStructure(
        _ shapes: StateDictShapes
    ) throws(UD2MError) -> (residualBlocks: Int, levels: Int, resampling: ADMConfiguration.Resampling) {
        let outputs = shapes.indices(under: "output_blocks")
        let inputs = shapes.indices(under: "input_blocks")
        let count = (outputs.last ?? -1) + 1
        guard outputs.count == count, count >= 2 else {
            throw UD2MError(
                .architectureTensorMissing, "The output blocks are not numbered 0…\(max(count - 1, 1)) without a gap.",
                at: .init(tensor: "output_blocks"))
        }

        var found: (Int, ADMConfiguration.Resampling)?
        for block in outputs where found == nil {
            for position in 1...2 {
                if shapes.has("output_blocks.\(block).\(position).in_layers.2.weight") {
                    found = (block, .residualBlock)
                } else if shapes.has("output_blocks.\(block).\(position).conv.weight") {
                    found = (block, .convolution)
                }
            }
        }
        if found == nil {
            // Pooling has no tensors, so that its input block is a gap in the numbers.
            let gap = (0..<count).first { !inputs.contains($0) }
            found = gap.map { ($0 - 1, .pooling) }
        }
        // Without any resampling there is one level; the kind then has no effect.
        let (residualBlocks, resampling) = found ?? (count - 1, .residualBlock)
        guard residualBlocks >= 1, count % (residualBlocks + 1) == 0 else {
            throw UD2MError(
                .architectureShape,
                "\(count) output blocks do not divide into levels of \(residualBlocks + 1) blocks.",
                at: .init(tensor: "output_blocks"))
        }
        return (residualBlocks, count / (residualBlocks + 1), resampling)
    }

    /// GroupNorm has 32 groups everywhere, and a level's rate must be a shift that fits.
    private func checkWidths(_ configuration: ADMConfiguration) throws(UD2MError) {
        for (level, width) in configuration.levelChannels.enumerated() where width % 32 != 0 {
            throw UD2MError(
                .architectureShape,
                "Level \(level) has \(width) channels, which 32 normalisation groups do not divide.",
                at: .init(tensor: "input_blocks"))
        }
        guard configuration.levelChannels.count <= 16 else {
            throw UD2MError(
                .architectureShape, "\(configuration.levelChannels.count) levels; at most 16 are supported.",
                at: .init(tensor: "input_blocks"))
        }
    }

    /// Fills in heads and order from the options or the signature table, and says where they came from.
    ///
    /// Heads that nobody knows are no error yet: the tensors can be compared without them, and a damaged file should be
    /// told what is wrong with it first.
    private func resolveAttention(
        _ configuration: inout ADMConfiguration, options: DetectionOptions
    ) throws(UD2MError) -> (source: String, undecided: UD2MError?) {
        let shape = configuration
        let known = ADMSignature.known.first { $0.matches(shape) }?.attention
        guard let heads = options.heads ?? known?.heads else {
            let error = UD2MError(
                .attentionUnknown,
                "The number of attention heads is in no tensor, and this shape of network (\(configuration.summary)) "
                    + "is in no table.",
                remedy: "Pass --head-channels N or --heads N, and --attention-order if it is not legacy.")
            return ("attention heads unknown: no tensor tells them (see --head-channels)", error)
        }
        configuration.heads = heads
        configuration.attentionOrder = options.attentionOrder ?? known?.order ?? .legacy
        let attentionWidths = configuration.attentionLevels.map { shape.levelChannels[$0] }
        for width in attentionWidths + shape.levelChannels.suffix(1) where heads.count(width: width) == nil {
            throw UD2MError(
                options.heads == nil ? .architectureShape : .attentionUnknown,
                "\(heads.description) do not divide an attention block of \(width) channels.",
                remedy: "Pass another --head-channels N or --heads N.")
        }
        if options.heads != nil {
            let isAssumed = options.attentionOrder == nil && known == nil
            let order = "\(configuration.attentionOrder.rawValue) row order"
            let assumption = isAssumed ? " (assumed: no tensor tells it, see --attention-order)" : ""
            return ("attention as given: \(heads.description), \(order)\(assumption)", nil)
        }
        return ("attention from the table, as in \(known?.source ?? ""): \(heads.description)", nil)
    }
}

extension ADMConfiguration.Heads {
    /// "4 heads" or "heads of 64 channels".
    public var description: String {
        switch self {
        case .count(let heads): "\(heads) heads"
        case .channels(let channels): "heads of \(channels) channels"
        }
    }
}

extension ADMConfiguration {
    /// One line for a person: "3 → 6 channels, widths 256 256 512, 2 residual blocks a level, unconditional".
    public var summary: String {
        let widths = levelChannels.map(String.init).joined(separator: " ")
        let condition = classCount.map { "\($0) classes" } ?? "unconditional"
        let kind = isSuperResolution ? ", super-resolution" : ""
        let blocks = residualBlocks == 1 ? "1 residual block" : "\(residualBlocks) residual blocks"
        return "\(inputChannels) → \(outputChannels) channels, widths \(widths), \(blocks) a level, \(condition)\(kind)"
    }
}
