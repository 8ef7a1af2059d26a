import UD2MFormats

extension ADMConfiguration {
    /// Every tensor of the network, in the order of guided-diffusion's own state dict (`networks.md` §1.1).
    public var parameters: [ParameterDescription] {
        var list = ADMParameterList(embedding: embeddingChannels, usesScaleShift: usesScaleShift)
        let top = levelChannels.count - 1
        list.affine("time_embed.0", [embeddingChannels, modelChannels])
        list.affine("time_embed.2", [embeddingChannels, embeddingChannels])
        if let classCount { list.add("label_emb.weight", [classCount, embeddingChannels]) }

        var width = levelChannels[0]
        var skips = [width]
        var index = 1
        list.convolution("input_blocks.0.0", width, inputChannels)
        for (level, channels) in levelChannels.enumerated() {
            for _ in 0..<residualBlocks {
                list.residualBlock("input_blocks.\(index).0", from: width, to: channels)
                if attentionLevels.contains(level) { list.attention("input_blocks.\(index).1", channels) }
                width = channels
                skips.append(width)
                index += 1
            }
            if level < top {
                switch resampling {
                case .residualBlock: list.residualBlock("input_blocks.\(index).0", from: width, to: width)
                case .convolution: list.convolution("input_blocks.\(index).0.op", width, width)
                case .pooling: break
                }
                skips.append(width)
                index += 1
            }
        }

        list.residualBlock("middle_block.0", from: width, to: width)
        list.attention("middle_block.1", width)
        list.residualBlock("middle_block.2", from: width, to: width)

        index = 0
        for (level, channels) in levelChannels.enumerated().reversed() {
            let hasAttention = attentionLevels.contains(level)
            for block in 0...residualBlocks {
                list.residualBlock("output_blocks.\(index).0", from: width + skips.removeLast(), to: channels)
                if hasAttention { list.attention("output_blocks.\(index).1", channels) }
                width = channels
                if level > 0, block == residualBlocks {
                    let up = "output_blocks.\(index).\(hasAttention ? 2 : 1)"
                    switch resampling {
                    case .residualBlock: list.residualBlock(up, from: width, to: width)
                    case .convolution: list.convolution("\(up).conv", width, width)
                    case .pooling: break
                    }
                }
                index += 1
            }
        }

        list.affine("out.0", [width])
        list.convolution("out.2", outputChannels, width)
        return list.parameters
    }
}

/// Collects parameters block by block.
private struct ADMParameterList {
    let embedding: Int
    let usesScaleShift: Bool
    private var list = ParameterList()

    var parameters: [ParameterDescription] { list.parameters }

    init(embedding: Int, usesScaleShift: Bool) {
        self.embedding = embedding
        self.usesScaleShift = usesScaleShift
    }

    mutating func add(_ name: String, _ shape: [Int]) { list.add(name, shape) }

    mutating func affine(_ prefix: String, _ shape: [Int]) { list.affine(prefix, shape) }

    mutating func convolution(_ prefix: String, _ out: Int, _ input: Int) { list.convolution(prefix, out, input) }

    mutating func residualBlock(_ prefix: String, from input: Int, to output: Int) {
        affine("\(prefix).in_layers.0", [input])
        convolution("\(prefix).in_layers.2", output, input)
        affine("\(prefix).emb_layers.1", [usesScaleShift ? 2 * output : output, embedding])
        affine("\(prefix).out_layers.0", [output])
        convolution("\(prefix).out_layers.3", output, output)
        if input != output { affine("\(prefix).skip_connection", [output, input, 1, 1]) }
    }

    mutating func attention(_ prefix: String, _ channels: Int) {
        affine("\(prefix).norm", [channels])
        affine("\(prefix).qkv", [3 * channels, channels, 1])
        affine("\(prefix).proj_out", [channels, channels, 1])
    }
}
