import UD2MFormats

extension DDPMConfiguration: NetworkDefinition {
    var networkInputs: [NetworkInput] {
        [
            NetworkInput(name: "x", kind: .image(channels: imageChannels, sides: .init(multiple: sizeMultiple))),
            NetworkInput(name: "t", kind: .timestep),
        ]
    }

    /// The DDPM U-Net of this configuration (`networks.md` §2.1): inputs `x` and `t`.
    ///
    /// Taps carry the names of pesser's modules.
    /// - Throws: `network-configuration` when the numbers describe no network.
    package func graph() throws -> Graph {
        let isSound =
            (1...16).contains(levelChannels.count) && (1...64).contains(residualBlocks)
            && (attentionLevels + upAttentionLevels).allSatisfy(levelChannels.indices.contains)
            && (0...1).contains(frequencyShift)
            && normEpsilon > 0 && normEpsilon.isFinite
        try requireBuildable(isSound, widths: levelChannels + [modelChannels, imageChannels, outputChannels])
        var network = DDPMNetwork(configuration: self)
        return try network.build()
    }
}

/// The DDPM U-Net, written down once: the stem, the levels going down, the middle, the levels going up, the head.
private struct DDPMNetwork {
    let configuration: DDPMConfiguration
    var builder = GraphBuilder()

    init(configuration: DDPMConfiguration) {
        self.configuration = configuration
    }

    mutating func build() throws -> Graph {
        let widths = configuration.levelChannels
        let embedding = try embed()
        let image = builder.image("x", channels: configuration.imageChannels)
        var h = convolution(image, "conv_in", channels: configuration.modelChannels)
        var skips = [h]
        for level in widths.indices {
            for block in 0..<configuration.residualBlocks {
                h = try layer(h, embedding, "down.\(level)", block, level, configuration.attentionLevels)
                skips.append(h)
            }
            if level + 1 < widths.count {
                h = downsample(h, "down.\(level).downsample")
                skips.append(h)
            }
        }

        h = try residualBlock(h, embedding, "mid.block_1", channels: h.channels)
        h = try attention(h, "mid.attn_1")
        h = try residualBlock(h, embedding, "mid.block_2", channels: h.channels)

        for level in widths.indices.reversed() {
            for block in 0...configuration.residualBlocks {
                h = try layer(
                    builder.concat(h, skips.removeLast()), embedding, "up.\(level)", block, level,
                    configuration.upAttentionLevels)
            }
            if level > 0 {
                let name = "up.\(level).upsample"
                h = builder.convolution(
                    builder.resample(h, .nearestUp), "\(name).conv", channels: h.channels, kernel: 3)
                builder.tap(name, h)
            }
        }
        h = try norm(h, "norm_out")
        return builder.finish(
            builder.convolution(
                builder.silu(h), "conv_out", channels: configuration.outputChannels, kernel: 3))
    }

    /// SiLU of the embedding of the timestep, which every residual block projects.
    private mutating func embed() throws -> FeatureVector {
        let sinusoid = try builder.timestepEmbedding(
            "t", width: configuration.modelChannels, isCosineFirst: configuration.timestepOrder == .cosineFirst,
            frequencyShift: configuration.frequencyShift)
        builder.tap("sinusoid", sinusoid)
        let hidden = builder.linear(sinusoid, "temb.dense.0", channels: configuration.embeddingChannels)
        builder.tap("temb.dense.0", hidden)
        let embedding = builder.linear(
            builder.silu(hidden), "temb.dense.1", channels: configuration.embeddingChannels)
        builder.tap("temb.dense.1", embedding)
        return builder.silu(embedding)
    }

    /// A residual block, followed by attention where the level is among those that have it.
    private mutating func layer(
        _ x: FeatureMap, _ embedding: FeatureVector, _ prefix: String, _ block: Int, _ level: Int,
        _ attending: [Int]
    ) throws -> FeatureMap {
        let h = try residualBlock(
            x, embedding, "\(prefix).block.\(block)", channels: configuration.levelChannels[level])
        guard attending.contains(level) else { return h }
        return try attention(h, "\(prefix).attn.\(block)")
    }

    private mutating func downsample(_ x: FeatureMap, _ name: String) -> FeatureMap {
        let padding: Padding = configuration.downPadding == .asymmetric ? .bottomRight : Padding(1)
        let h = builder.convolution(
            x, "\(name).conv", channels: x.channels, kernel: 3, stride: 2, padding: padding)
        builder.tap(name, h)
        return h
    }

    private mutating func residualBlock(
        _ x: FeatureMap, _ embedding: FeatureVector, _ prefix: String, channels: Int
    ) throws -> FeatureMap {
        var h = builder.silu(try norm(x, "\(prefix).norm1"))
        h = convolution(h, "\(prefix).conv1", channels: channels)
        let e = builder.linear(embedding, "\(prefix).temb_proj", channels: channels)
        h = try builder.add(h, broadcasting: e)
        h = builder.silu(try norm(h, "\(prefix).norm2"))
        h = convolution(h, "\(prefix).conv2", channels: channels)
        var skip = x
        if x.channels != channels {
            skip = convolution(x, "\(prefix).nin_shortcut", channels: channels, kernel: 1)
        }
        h = try builder.add(skip, h)
        builder.tap(prefix, h)
        return h
    }

    private mutating func attention(_ x: FeatureMap, _ prefix: String) throws -> FeatureMap {
        guard let heads = configuration.headCount(width: x.channels) else {
            throw UD2MError(
                .networkConfiguration, "\(x.channels) channels do not divide into the configured heads.",
                at: .init(tensor: "\(prefix).q.weight"))
        }
        let normalised = try norm(x, "\(prefix).norm")
        let parts = ["q", "k", "v"].map {
            convolution(normalised, "\(prefix).\($0)", channels: x.channels, kernel: 1)
        }
        let mixed = try builder.attention(
            builder.concat(parts[0], parts[1], parts[2]), heads: heads, order: .separate)
        let h = try builder.add(x, convolution(mixed, "\(prefix).proj_out", channels: x.channels, kernel: 1))
        builder.tap(prefix, h)
        return h
    }

    // MARK: Layers that are tapped under their own names

    private mutating func convolution(
        _ x: FeatureMap, _ name: String, channels: Int, kernel: Int = 3
    ) -> FeatureMap {
        let h = builder.convolution(x, name, channels: channels, kernel: kernel)
        builder.tap(name, h)
        return h
    }

    private mutating func norm(_ x: FeatureMap, _ name: String) throws -> FeatureMap {
        let h = try builder.groupNorm(x, name, epsilon: Float(configuration.normEpsilon))
        builder.tap(name, h)
        return h
    }
}
