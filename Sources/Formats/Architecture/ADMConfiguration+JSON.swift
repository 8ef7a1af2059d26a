extension ADMConfiguration {
    /// Channels that any block may have.
    static let channelRange = 1...65_536
    /// Levels that a network may have: 16 halvings take an image of 65,536 pixels a side to one.
    static let levelRange = 1...16
    /// Channels come in 32 groups for normalisation (`networks.md` §1.3).
    static let normalizationGroups = 32

    /// Takes the fields of a configuration object.
    init(fields: inout ArchitectureFields) throws {
        let imageChannels = try fields.int("image_channels", in: 1...3)
        let levels = try fields.ints("level_channels", in: Self.channelRange, count: Self.levelRange)
        self.init(
            imageChannels: imageChannels,
            inputChannels: try fields.int("input_channels", in: 1...6),
            outputChannels: try fields.int("output_channels", in: 1...6),
            modelChannels: try fields.int("model_channels", in: Self.channelRange),
            levelChannels: levels,
            residualBlocks: try fields.int("residual_blocks", in: 1...64),
            attentionLevels: try fields.ints("attention_levels", in: 0...levels.count - 1, count: 0...levels.count),
            heads: try Self.heads(&fields),
            attentionOrder: try fields.word("attention_order"),
            usesScaleShift: try fields.bool("scale_shift"),
            resampling: try fields.word("resampling"),
            classCount: fields.optional("classes") == nil ? nil : try fields.int("classes", in: 1...1_000_000),
            isSuperResolution: try fields.bool("super_resolution"))
        try check(fields)
    }

    private static func heads(_ fields: inout ArchitectureFields) throws -> Heads {
        if case .object(let object)? = fields.optional("heads"), object.members.count == 1,
            let value = object.members[0].value.int, channelRange.contains(value)
        {
            switch object.members[0].key {
            case "count": return .count(value)
            case "channels": return .channels(value)
            default: break
            }
        }
        throw fields.error("heads", "'heads' must be {\"count\": n} or {\"channels\": n}.")
    }

    /// Checks what fields mean for each other.
    private func check(_ fields: ArchitectureFields) throws {
        guard imageChannels != 2 else { throw fields.error("image_channels", "images have 1 or 3 channels.") }
        guard inputChannels == imageChannels * (isSuperResolution ? 2 : 1) else {
            throw fields.error("input_channels", "the input has the image's channels, twice for super-resolution.")
        }
        guard outputChannels == imageChannels || outputChannels == 2 * imageChannels else {
            throw fields.error("output_channels", "the output has the image's channels once, or twice with a variance.")
        }
        for width in levelChannels where width % Self.normalizationGroups != 0 {
            throw fields.error("level_channels", "\(width) channels do not form \(Self.normalizationGroups) groups.")
        }
        guard zip(attentionLevels, attentionLevels.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw fields.error("attention_levels", "the levels must ascend, each named once.")
        }
        // The middle block attends at the coarsest level whatever the list says.
        for level in Set(attentionLevels).union([levelChannels.count - 1]).sorted()
        where heads.count(width: levelChannels[level]) == nil {
            throw fields.error(
                "heads", "the heads do not divide the \(levelChannels[level]) channels of level \(level).")
        }
    }

    /// The configuration as JSON.
    var json: JSONValue {
        var object = JSONObject()
        object["family"] = "adm"
        object["image_channels"] = JSONValue(imageChannels)
        object["input_channels"] = JSONValue(inputChannels)
        object["output_channels"] = JSONValue(outputChannels)
        object["model_channels"] = JSONValue(modelChannels)
        object["level_channels"] = .array(levelChannels.map { JSONValue($0) })
        object["residual_blocks"] = JSONValue(residualBlocks)
        object["attention_levels"] = .array(attentionLevels.map { JSONValue($0) })
        switch heads {
        case .count(let count): object["heads"] = ["count": JSONValue(count)]
        case .channels(let channels): object["heads"] = ["channels": JSONValue(channels)]
        }
        object["attention_order"] = .string(attentionOrder.rawValue)
        object["scale_shift"] = .bool(usesScaleShift)
        object["resampling"] = .string(resampling.rawValue)
        if let classCount { object["classes"] = JSONValue(classCount) }
        object["super_resolution"] = .bool(isSuperResolution)
        return .object(object)
    }
}
