extension DDPMConfiguration {
    /// Takes the fields of a configuration object.
    init(fields: inout ArchitectureFields) throws {
        let levels = try fields.ints("level_channels", in: ADMConfiguration.channelRange, count: 1...16)
        self.init(
            imageChannels: try fields.int("image_channels", in: 1...64),
            outputChannels: try fields.int("output_channels", in: 1...64),
            modelChannels: try fields.int("model_channels", in: ADMConfiguration.channelRange),
            levelChannels: levels,
            residualBlocks: try fields.int("residual_blocks", in: 1...64),
            attentionLevels: try fields.ints("attention_levels", in: 0...levels.count - 1, count: 0...levels.count),
            upAttentionLevels: fields.optional("up_attention_levels") == nil
                ? nil : try fields.ints("up_attention_levels", in: 0...levels.count - 1, count: 0...levels.count),
            headChannels: fields.optional("head_channels") == nil
                ? nil : try fields.int("head_channels", in: ADMConfiguration.channelRange),
            normEpsilon: try fields.number("norm_epsilon", in: 1e-12...1),
            timestepOrder: try fields.word("timestep_order"),
            frequencyShift: try fields.int("frequency_shift", in: 0...1),
            downPadding: try fields.word("down_padding"))
        try check(fields)
    }

    /// Checks what fields mean for each other.
    private func check(_ fields: ArchitectureFields) throws {
        guard modelChannels % ADMConfiguration.normalizationGroups == 0 else {
            throw fields.error("model_channels", "\(modelChannels) channels do not form 32 groups.")
        }
        for width in levelChannels where width % ADMConfiguration.normalizationGroups != 0 {
            throw fields.error("level_channels", "\(width) channels do not form 32 groups.")
        }
        for (name, list) in [("attention_levels", attentionLevels), ("up_attention_levels", upAttentionLevels)] {
            guard zip(list, list.dropFirst()).allSatisfy({ $0 < $1 }) else {
                throw fields.error(name, "the levels must ascend, each named once.")
            }
        }
        for level in attendingLevels
        where headCount(width: levelChannels[level]) == nil {
            throw fields.error(
                "head_channels", "the heads do not divide the \(levelChannels[level]) channels of level \(level).")
        }
    }

    /// The configuration as JSON.
    var json: JSONValue {
        var object = JSONObject()
        object["family"] = "ddpm"
        object["image_channels"] = JSONValue(imageChannels)
        object["output_channels"] = JSONValue(outputChannels)
        object["model_channels"] = JSONValue(modelChannels)
        object["level_channels"] = .array(levelChannels.map { JSONValue($0) })
        object["residual_blocks"] = JSONValue(residualBlocks)
        object["attention_levels"] = .array(attentionLevels.map { JSONValue($0) })
        // Written only where the two ways differ, so that stores of all other networks stay as they were.
        if upAttentionLevels != attentionLevels {
            object["up_attention_levels"] = .array(upAttentionLevels.map { JSONValue($0) })
        }
        if let headChannels { object["head_channels"] = JSONValue(headChannels) }
        object["norm_epsilon"] = .double(normEpsilon)
        object["timestep_order"] = .string(timestepOrder.rawValue)
        object["frequency_shift"] = JSONValue(frequencyShift)
        object["down_padding"] = .string(downPadding.rawValue)
        return .object(object)
    }
}
