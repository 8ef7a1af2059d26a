import UD2MFormats

/// The `config.json` that diffusers writes beside a `UNet2DModel` (`networks.md` §2.2).
///
/// Every field that changes what the network computes is honoured or refused by name; a field that is absent has
/// diffusers' own default.
struct DiffusersConfiguration {
    private let object: JSONObject
    private let path: String

    static let fileName = "config.json"
    /// Fields that say nothing about the numbers: sizes of training images, dropout, and the length of training.
    private static let ignored: Set<String> = ["sample_size", "dropout", "num_train_timesteps"]
    /// Fields with the only value that is supported.
    private static let required: [(key: String, values: [JSONValue], absent: JSONValue)] = [
        ("center_input_sample", [false], false), ("time_embedding_type", ["positional"], "positional"),
        ("mid_block_type", ["UNetMidBlock2D"], "UNetMidBlock2D"), ("mid_block_scale_factor", [1, 1.0], 1),
        ("downsample_type", ["conv"], "conv"), ("upsample_type", ["conv"], "conv"),
        ("act_fn", ["silu", "swish"], "silu"), ("norm_num_groups", [32], 32),
        ("attn_norm_num_groups", [.null, 32], .null), ("resnet_time_scale_shift", ["default"], "default"),
        ("class_embed_type", [.null], .null), ("num_class_embeds", [.null], .null), ("add_attention", [true], true),
    ]

    /// Reads the file beside a checkpoint; nil when there is none, or when it describes no diffusers model.
    /// - Throws: ``UD2MError``: a `json-…` code, or `model-config` when it describes another model.
    init?(beside checkpoint: String?) throws(UD2MError) {
        guard let checkpoint, checkpoint != "-" else { return nil }
        let folder = checkpoint.lastIndex(of: "/").map { checkpoint[...$0] } ?? ""
        path = folder + Self.fileName
        do {
            let file = try MappedFile(path: path)
            let json = try withExtendedLifetime(file) { try JSONValue(parsing: file.bytes) }
            guard case .object(let object) = json else { return nil }
            self.object = object
        } catch let error as UD2MError {
            if error.code == .fileMissing { return nil }
            throw error.located(in: .init(file: path))
        } catch {
            throw UD2MError(.modelConfig, "The configuration cannot be read: \(error)", at: .init(file: path))
        }
        guard let kind = object["_class_name"] else {
            // Other tools write a config.json as well.
            if object["block_out_channels"] == nil { return nil }
            return
        }
        guard case .string("UNet2DModel") = kind else {
            throw self.error("_class_name", "only a UNet2DModel is converted, this is \(Self.text(kind))")
        }
    }

    /// Honours every field, and checks those that the shapes tell as well.
    /// - Throws: ``UD2MError`` with code `model-config`, the field as the location's entry.
    func apply(to configuration: inout DDPMConfiguration) throws(UD2MError) {
        try refuse()
        try checkShape(configuration)
        configuration.normEpsilon = try number("norm_eps", default: 1e-5)
        configuration.timestepOrder = try bool("flip_sin_to_cos", default: true) ? .cosineFirst : .sineFirst
        switch try whole("freq_shift", default: 0) {
        case let shift where (0...1).contains(shift): configuration.frequencyShift = shift
        default: throw error("freq_shift", "only 0 and 1 are supported")
        }
        switch try whole("downsample_padding", default: 1) {
        case 0: configuration.downPadding = .asymmetric
        case 1: configuration.downPadding = .symmetric
        default: throw error("downsample_padding", "only 0 and 1 are supported")
        }
        if case .null? = object["attention_head_dim"] {
            configuration.headChannels = nil
        } else {
            configuration.headChannels = try whole("attention_head_dim", default: 8)
        }
        for level in configuration.attendingLevels
        where configuration.headCount(width: configuration.levelChannels[level]) == nil {
            throw error(
                "attention_head_dim", "it does not divide the \(configuration.levelChannels[level]) channels of a block"
            )
        }
    }

    /// Refuses fields whose value is not supported, and fields of a later diffusers.
    private func refuse() throws(UD2MError) {
        let honoured: Set<String> = [
            "in_channels", "out_channels", "time_embedding_dim", "freq_shift", "flip_sin_to_cos", "down_block_types",
            "up_block_types", "block_out_channels", "layers_per_block", "downsample_padding", "attention_head_dim",
            "norm_eps",
        ]
        for (key, values, absent) in Self.required {
            let value = object[key] ?? absent
            guard values.contains(where: { Self.same($0, value) }) else {
                throw error(
                    key, "\(Self.text(value)) is not supported, only \(values.map(Self.text).joined(separator: " or "))"
                )
            }
        }
        let known = honoured.union(Self.ignored).union(Self.required.map(\.key))
        for (key, _) in object.members where !key.hasPrefix("_") && !known.contains(key) {
            throw error(key, "the field is unknown, and it may change what the network computes")
        }
    }

    /// Compares with the shapes what they tell as well.
    private func checkShape(_ configuration: DDPMConfiguration) throws(UD2MError) {
        try checkBlockTypes()
        let levels = configuration.levelChannels.indices
        let down = levels.map { configuration.attentionLevels.contains($0) ? "AttnDownBlock2D" : "DownBlock2D" }
        let up = levels.reversed().map {
            configuration.upAttentionLevels.contains($0) ? "AttnUpBlock2D" : "UpBlock2D"
        }
        let expected: [(String, JSONValue)] = [
            ("in_channels", JSONValue(configuration.imageChannels)),
            ("out_channels", JSONValue(configuration.outputChannels)),
            ("block_out_channels", .array(configuration.levelChannels.map { JSONValue($0) })),
            ("layers_per_block", JSONValue(configuration.residualBlocks)),
            ("down_block_types", .array(down.map { .string($0) })),
            ("up_block_types", .array(up.map { .string($0) })),
        ]
        for (key, value) in expected {
            guard let found = object[key] else { continue }
            guard Self.same(found, value) else {
                throw error(key, "it says \(Self.text(found)), but the tensors are those of \(Self.text(value))")
            }
        }
        guard let width = object["time_embedding_dim"], width.int != configuration.embeddingChannels else { return }
        if case .null = width { return }
        throw error("time_embedding_dim", "it says \(Self.text(width)), only 4 times the first width is supported")
    }

    /// Refuses blocks of other kinds by their names; on each way any level may have attention or not.
    private func checkBlockTypes() throws(UD2MError) {
        for (key, kinds) in [
            ("down_block_types", ["DownBlock2D", "AttnDownBlock2D"]),
            ("up_block_types", ["UpBlock2D", "AttnUpBlock2D"]),
        ] {
            guard case .array(let found)? = object[key] else { continue }
            for kind in found where !kinds.contains(where: { Self.same(kind, .string($0)) }) {
                throw error(key, "\(Self.text(kind)) is not supported, only \(kinds.joined(separator: " and "))")
            }
        }
    }

    private func whole(_ key: String, default value: Int) throws(UD2MError) -> Int {
        guard let found = object[key] else { return value }
        guard let value = found.int, value >= 0 else { throw error(key, "it must be a whole number") }
        return value
    }

    private func bool(_ key: String, default value: Bool) throws(UD2MError) -> Bool {
        guard let found = object[key] else { return value }
        guard case .bool(let value) = found else { throw error(key, "it must be true or false") }
        return value
    }

    private func number(_ key: String, default value: Double) throws(UD2MError) -> Double {
        guard let found = object[key] else { return value }
        guard case .double(let value) = found, (1e-12...1).contains(value) else {
            throw error(key, "it must be a number from 1e-12 to 1")
        }
        return value
    }

    private func error(_ key: String, _ message: String) -> UD2MError {
        UD2MError(
            .modelConfig, "'\(key)' of the model's configuration: \(message).", at: .init(file: path, entry: key))
    }

    private static func text(_ value: JSONValue) -> String {
        // Only numbers that are not finite have no text, and the parser gives none.
        String(((try? value.canonicalText()) ?? "?").prefix(200))
    }

    private static func same(_ lhs: JSONValue, _ rhs: JSONValue) -> Bool { text(lhs) == text(rhs) }
}

extension UD2MError.Code {
    /// A model's `config.json` contradicts its tensors or asks for what is not supported.
    public static let modelConfig = UD2MError.Code("model-config", .badData)
}
