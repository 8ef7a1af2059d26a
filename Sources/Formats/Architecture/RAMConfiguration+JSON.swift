extension RAMConfiguration {
    /// Takes the fields of a configuration object.
    init(fields: inout ArchitectureFields) throws {
        self.init(
            widths: try fields.ints(
                "widths", in: ADMConfiguration.channelRange, count: Self.scaleCount...Self.scaleCount),
            blocksPerLevel: try fields.int("blocks_per_level", in: 1...64),
            imageChannels: try fields.ints("image_channels", in: 1...16, count: 1...16),
            flavour: try fields.word("flavour"))
        guard zip(imageChannels, imageChannels.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw fields.error("image_channels", "the channel counts must ascend, each named once.")
        }
    }

    /// The configuration as JSON.
    var json: JSONValue {
        var object = JSONObject()
        object["family"] = "ram"
        object["widths"] = .array(widths.map { JSONValue($0) })
        object["blocks_per_level"] = JSONValue(blocksPerLevel)
        object["image_channels"] = .array(imageChannels.map { JSONValue($0) })
        object["flavour"] = .string(flavour.rawValue)
        return .object(object)
    }
}
