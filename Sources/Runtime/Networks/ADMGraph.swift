import UD2MFormats

extension ADMConfiguration: NetworkDefinition {
    var networkInputs: [NetworkInput] {
        var inputs = [
            NetworkInput(name: "x", kind: .image(channels: imageChannels, sides: .init(multiple: sizeMultiple))),
            NetworkInput(name: "t", kind: .timestep),
        ]
        if let classCount { inputs.append(NetworkInput(name: "y", kind: .classLabel(count: classCount))) }
        if isSuperResolution {
            let channels = inputChannels - imageChannels
            inputs.append(NetworkInput(name: "low_res", kind: .lowResolutionImage(channels: channels)))
        }
        return inputs
    }

    /// The ADM U-Net of this configuration (`networks.md` §1.3): inputs `x`, `t`, and `low_res` and `y` where the
    /// network has them.
    ///
    /// Taps carry the names of the PyTorch modules.
    /// - Throws: `network-configuration` when the numbers describe no network.
    package func graph() throws -> Graph {
        // Bounds keep every graph small.
        let isSound =
            (1...16).contains(levelChannels.count) && (1...64).contains(residualBlocks)
            && (1...1_000_000).contains(classCount ?? 1)
            && attentionLevels.allSatisfy(levelChannels.indices.contains)
            && (isSuperResolution ? inputChannels > imageChannels : inputChannels == imageChannels)
        try requireBuildable(
            isSound, widths: levelChannels + [modelChannels, inputChannels, outputChannels, imageChannels])
        var network = ADMNetwork(self)
        return try network.build()
    }
}

/// The ADM U-Net, written down once: the stem, the levels going down, the middle, the levels going up, the head.
private struct ADMNetwork {
    let configuration: ADMConfiguration
    var builder = GraphBuilder()

    init(_ configuration: ADMConfiguration) {
        self.configuration = configuration
    }

    mutating func build() throws -> Graph {
        let widths = configuration.levelChannels
        let blocks = configuration.residualBlocks
        let embedding = try embed()

        var h = builder.convolution(input(), "input_blocks.0.0", channels: widths[0], kernel: 3)
        builder.tap("input_blocks.0", h)
        var skips = [h]
        for level in widths.indices {
            for _ in 0..<blocks {
                let block = "input_blocks.\(skips.count)"
                h = try residualBlock(h, embedding, "\(block).0", channels: widths[level])
                if configuration.attentionLevels.contains(level) { h = try attention(h, "\(block).1") }
                builder.tap(block, h)
                skips.append(h)
            }
            if level + 1 < widths.count {
                let block = "input_blocks.\(skips.count)"
                h = try downsample(h, embedding, "\(block).0")
                builder.tap(block, h)
                skips.append(h)
            }
        }

        h = try residualBlock(h, embedding, "middle_block.0", channels: h.channels)
        h = try attention(h, "middle_block.1")
        h = try residualBlock(h, embedding, "middle_block.2", channels: h.channels)

        var index = 0
        for level in widths.indices.reversed() {
            for step in 0...blocks {
                let block = "output_blocks.\(index)"
                h = builder.concat(h, skips.removeLast())
                h = try residualBlock(h, embedding, "\(block).0", channels: widths[level])
                let hasAttention = configuration.attentionLevels.contains(level)
                if hasAttention { h = try attention(h, "\(block).1") }
                if step == blocks && level > 0 {
                    h = try upsample(h, embedding, "\(block).\(hasAttention ? 2 : 1)")
                }
                builder.tap(block, h)
                index += 1
            }
        }

        h = try builder.groupNorm(h, "out.0")
        builder.tap("out.0", h)
        let output = builder.convolution(
            builder.silu(h), "out.2", channels: configuration.outputChannels, kernel: 3)
        return builder.finish(output)
    }

    /// The image, stacked on the low-resolution image resized to it where the network does super-resolution.
    private mutating func input() -> FeatureMap {
        let image = builder.image("x", channels: configuration.imageChannels)
        guard configuration.isSuperResolution else { return image }
        let channels = configuration.inputChannels - configuration.imageChannels
        let small = builder.image("low_res", channels: channels)
        return builder.concat(image, builder.resizeBilinear(small, toSizeOf: image))
    }

    /// SiLU of the embedding of the timestep and the class, which every residual block projects.
    private mutating func embed() throws -> FeatureVector {
        let width = configuration.embeddingChannels
        let sinusoid = try builder.timestepEmbedding(
            "t", width: configuration.modelChannels, isCosineFirst: true, frequencyShift: 0)
        builder.tap("sinusoid", sinusoid)
        let hidden = builder.linear(sinusoid, "time_embed.0", channels: width)
        var embedding = builder.linear(builder.silu(hidden), "time_embed.2", channels: width)
        builder.tap("time_embed", embedding)
        if let classes = configuration.classCount {
            let label = builder.classEmbedding("y", "label_emb", classes: classes, width: width)
            builder.tap("label_emb", label)
            embedding = try builder.add(embedding, label)
        }
        return builder.silu(embedding)
    }

    private mutating func downsample(
        _ x: FeatureMap, _ embedding: FeatureVector, _ prefix: String
    ) throws -> FeatureMap {
        switch configuration.resampling {
        case .residualBlock:
            try residualBlock(x, embedding, prefix, channels: x.channels, resample: .averageDown)
        case .convolution: builder.convolution(x, "\(prefix).op", channels: x.channels, kernel: 3, stride: 2)
        case .pooling: builder.resample(x, .averageDown)
        }
    }

    private mutating func upsample(
        _ x: FeatureMap, _ embedding: FeatureVector, _ prefix: String
    ) throws -> FeatureMap {
        switch configuration.resampling {
        case .residualBlock:
            try residualBlock(x, embedding, prefix, channels: x.channels, resample: .nearestUp)
        case .convolution:
            builder.convolution(builder.resample(x, .nearestUp), "\(prefix).conv", channels: x.channels, kernel: 3)
        case .pooling: builder.resample(x, .nearestUp)
        }
    }

    /// A residual block; with `resample`, both branches change size after the first activation.
    private mutating func residualBlock(
        _ input: FeatureMap, _ embedding: FeatureVector, _ prefix: String, channels: Int, resample: Resample? = nil
    ) throws -> FeatureMap {
        var x = input
        var h = builder.silu(try builder.groupNorm(x, "\(prefix).in_layers.0"))
        if let resample {
            h = builder.resample(h, resample)
            x = builder.resample(x, resample)
            builder.tap("\(prefix).h_upd", h)
            builder.tap("\(prefix).x_upd", x)
        }
        h = builder.convolution(h, "\(prefix).in_layers.2", channels: channels, kernel: 3)
        builder.tap("\(prefix).in_layers", h)

        let scaleShift = configuration.usesScaleShift
        let e = builder.linear(embedding, "\(prefix).emb_layers.1", channels: scaleShift ? 2 * channels : channels)
        builder.tap("\(prefix).emb_layers", e)
        if !scaleShift { h = try builder.add(h, broadcasting: e) }
        h = try builder.groupNorm(h, "\(prefix).out_layers.0")
        builder.tap("\(prefix).out_layers.0", h)
        if scaleShift { h = try builder.modulate(h, by: e) }
        h = builder.convolution(builder.silu(h), "\(prefix).out_layers.3", channels: channels, kernel: 3)
        builder.tap("\(prefix).out_layers", h)

        if x.channels != channels {
            x = builder.convolution(x, "\(prefix).skip_connection", channels: channels, kernel: 1)
        }
        builder.tap("\(prefix).skip_connection", x)
        h = try builder.add(x, h)
        builder.tap(prefix, h)
        return h
    }

    private mutating func attention(_ x: FeatureMap, _ prefix: String) throws -> FeatureMap {
        guard let heads = configuration.heads.count(width: x.channels) else {
            throw UD2MError(
                .networkConfiguration, "\(x.channels) channels do not divide into the configured heads.",
                at: .init(tensor: "\(prefix).qkv.weight"))
        }
        let order: QKVOrder = configuration.attentionOrder == .legacy ? .headMajor : .kindMajor
        let norm = try builder.groupNorm(x, "\(prefix).norm")
        builder.tap("\(prefix).norm", norm, as: .sequence)
        let qkv = builder.convolution(
            norm, "\(prefix).qkv", channels: 3 * x.channels, kernel: 1, isOneDimensional: true)
        builder.tap("\(prefix).qkv", qkv, as: .sequence)
        let mixed = try builder.attention(qkv, heads: heads, order: order)
        builder.tap("\(prefix).attention", mixed, as: .sequence)
        let projected = builder.convolution(
            mixed, "\(prefix).proj_out", channels: x.channels, kernel: 1, isOneDimensional: true)
        builder.tap("\(prefix).proj_out", projected, as: .sequence)
        let h = try builder.add(x, projected)
        builder.tap(prefix, h)
        return h
    }
}
