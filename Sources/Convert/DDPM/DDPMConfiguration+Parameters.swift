import UD2MFormats

extension DDPMConfiguration {
    /// Every tensor of the network under pesser's names, in the order of its state dict (`networks.md` §2.1).
    public var parameters: [ParameterDescription] {
        var list = DDPMParameterList(embedding: embeddingChannels)
        let top = levelChannels.count - 1
        list.affine("temb.dense.0", [embeddingChannels, modelChannels])
        list.affine("temb.dense.1", [embeddingChannels, embeddingChannels])
        list.convolution("conv_in", modelChannels, imageChannels)

        var width = modelChannels
        // The widths that the way up takes back, each from one block on the way down.
        var skips = [width]
        for (level, channels) in levelChannels.enumerated() {
            for block in 0..<residualBlocks {
                list.residualBlock("down.\(level).block.\(block)", from: width, to: channels)
                width = channels
                skips.append(width)
            }
            if attentionLevels.contains(level) {
                for block in 0..<residualBlocks { list.attention("down.\(level).attn.\(block)", channels) }
            }
            if level < top {
                list.convolution("down.\(level).downsample.conv", width, width)
                skips.append(width)
            }
        }

        list.residualBlock("mid.block_1", from: width, to: width)
        list.attention("mid.attn_1", width)
        list.residualBlock("mid.block_2", from: width, to: width)

        for (level, channels) in levelChannels.enumerated().reversed() {
            for block in 0...residualBlocks {
                list.residualBlock("up.\(level).block.\(block)", from: width + skips.removeLast(), to: channels)
                width = channels
            }
            if upAttentionLevels.contains(level) {
                for block in 0...residualBlocks { list.attention("up.\(level).attn.\(block)", channels) }
            }
            if level > 0 { list.convolution("up.\(level).upsample.conv", width, width) }
        }

        list.affine("norm_out", [width])
        list.convolution("conv_out", outputChannels, width)
        return list.parameters
    }
}

/// Collects parameters block by block.
private struct DDPMParameterList {
    let embedding: Int
    private var list = ParameterList()

    init(embedding: Int) { self.embedding = embedding }

    var parameters: [ParameterDescription] { list.parameters }

    mutating func affine(_ prefix: String, _ shape: [Int]) { list.affine(prefix, shape) }

    mutating func convolution(_ prefix: String, _ out: Int, _ input: Int) { list.convolution(prefix, out, input) }

    mutating func residualBlock(_ prefix: String, from input: Int, to output: Int) {
        list.affine("\(prefix).norm1", [input])
        list.convolution("\(prefix).conv1", output, input)
        list.affine("\(prefix).temb_proj", [output, embedding])
        list.affine("\(prefix).norm2", [output])
        list.convolution("\(prefix).conv2", output, output)
        if input != output { list.convolution("\(prefix).nin_shortcut", output, input, side: 1) }
    }

    mutating func attention(_ prefix: String, _ channels: Int) {
        list.affine("\(prefix).norm", [channels])
        for name in ["q", "k", "v", "proj_out"] {
            list.convolution("\(prefix).\(name)", channels, channels, side: 1)
        }
    }
}
