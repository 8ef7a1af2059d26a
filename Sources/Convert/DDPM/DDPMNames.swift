import UD2MFormats

/// How a checkpoint spells the names of a DDPM U-Net (`networks.md` §2.1, §2.2).
struct DDPMNames: Sendable {
    /// Whose names.
    enum Convention: Sendable, CaseIterable {
        /// pesser's, which the store uses.
        case pesser
        /// diffusers since 0.15: `to_q`, `to_k`, `to_v`, `to_out.0`.
        case diffusers
        /// diffusers before 0.15: `query`, `key`, `value`, `proj_attn`.
        case oldDiffusers
    }

    let convention: Convention
    /// The number of levels; diffusers counts the way up from the coarsest one.
    let levels: Int

    /// Recognises the convention; nil when the names are none of these.
    init?(_ shapes: StateDictShapes) {
        if shapes.has("temb.dense.0.weight") || shapes.has("mid.block_1.conv1.weight") {
            convention = .pesser
            levels = shapes.indices(under: "down").count
        } else if shapes.has("time_embedding.linear_1.weight"), !shapes.indices(under: "down_blocks").isEmpty {
            let isOld = shapes.has("mid_block.attentions.0.query.weight")
            convention = isOld ? .oldDiffusers : .diffusers
            levels = shapes.indices(under: "down_blocks").count
        } else {
            return nil
        }
    }

    init(convention: Convention, levels: Int) {
        self.convention = convention
        self.levels = levels
    }

    /// The checkpoint's name of one of the store's tensors or blocks.
    func name(_ store: String) -> String {
        guard convention != .pesser else { return store }
        var parts = store.split(separator: ".").map(String.init)
        var start: [String]
        switch (parts[0], parts.count) {
        case ("temb", 3...):
            start = ["time_embedding", parts[2] == "0" ? "linear_1" : "linear_2"]
            parts.removeFirst(3)
        case ("norm_out", _):
            start = ["conv_norm_out"]
            parts.removeFirst()
        case ("mid", 2...):
            let block = [
                "block_1": ["resnets", "0"], "attn_1": ["attentions", "0"], "block_2": ["resnets", "1"],
            ]
            start = ["mid_block"] + (block[parts[1]] ?? [parts[1]])
            parts.removeFirst(2)
        case ("down", 2...), ("up", 2...):
            let isUp = parts[0] == "up"
            let level = Int(parts[1]) ?? 0
            start = [isUp ? "up_blocks" : "down_blocks", String(isUp ? levels - 1 - level : level)]
            parts.removeFirst(2)
            if let kind = parts.first {
                let kinds = [
                    "block": ["resnets"], "attn": ["attentions"], "downsample": ["downsamplers", "0"],
                    "upsample": ["upsamplers", "0"],
                ]
                start += kinds[kind] ?? [kind]
                parts.removeFirst()
            }
        default: return store
        }
        return (start + parts.flatMap { layerNames[$0] ?? [$0] }).joined(separator: ".")
    }

    /// Layers of blocks, in the checkpoint's words.
    private var layerNames: [String: [String]] {
        var names: [String: [String]] = [
            "temb_proj": ["time_emb_proj"], "nin_shortcut": ["conv_shortcut"], "norm": ["group_norm"],
        ]
        let attention =
            convention == .oldDiffusers
            ? [["query"], ["key"], ["value"], ["proj_attn"]] : [["to_q"], ["to_k"], ["to_v"], ["to_out", "0"]]
        for (name, other) in zip(["q", "k", "v", "proj_out"], attention) { names[name] = other }
        return names
    }

    /// The whole layout of a network's tensors. Each attention layer has its name of one diffusers or the other, as diffusers
    /// itself reads them, and the attention weights are as `shapes` has them, matrices or 1×1
    /// convolutions; nil means matrices, as diffusers writes them.
    func layout(_ parameters: [ParameterDescription], shapes: StateDictShapes? = nil) -> TensorLayout {
        guard convention != .pesser else { return TensorLayout() }
        let other = DDPMNames(convention: convention == .diffusers ? .oldDiffusers : .diffusers, levels: levels)
        var layout = TensorLayout()
        for parameter in parameters {
            var name = name(parameter.name.text)
            if let shapes, !shapes.has(name) {
                let alternative = other.name(parameter.name.text)
                if shapes.has(alternative) { name = alternative }
            }
            // Only the projections of attention blocks are linear layers in diffusers.
            let isProjection = ["q", "k", "v", "proj_out"].contains {
                parameter.name.text.hasSuffix(".\($0).weight")
            }
            let isMatrix = isProjection && shapes?[name] != parameter.shape
            layout.renamed[parameter.name] = .init(
                name: TensorName(name), shape: isMatrix ? Array(parameter.shape.prefix(2)) : parameter.shape)
        }
        return layout
    }
}
