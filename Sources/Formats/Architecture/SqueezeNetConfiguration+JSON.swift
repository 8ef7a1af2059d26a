extension SqueezeNetConfiguration {
    /// Takes the fields of a configuration object.
    init(fields: inout ArchitectureFields) throws {
        let count = Self.fireIndices.count
        func widths(_ key: String, _ fields: inout ArchitectureFields) throws -> [Int] {
            try fields.ints(key, in: ADMConfiguration.channelRange, count: count...count)
        }
        let squeeze = try widths("squeeze", &fields)
        let narrow = try widths("expand1x1", &fields)
        let wide = try widths("expand3x3", &fields)
        self.init(
            stemChannels: try fields.int("stem_channels", in: ADMConfiguration.channelRange),
            fires: (0..<count).map { Fire(squeeze: squeeze[$0], expand1x1: narrow[$0], expand3x3: wide[$0]) },
            classCount: fields.optional("classes") == nil ? nil : try fields.int("classes", in: 1...1_000_000))
    }

    /// The configuration as JSON.
    var json: JSONValue {
        var object = JSONObject()
        object["family"] = "squeezenet"
        object["stem_channels"] = JSONValue(stemChannels)
        object["squeeze"] = .array(fires.map { JSONValue($0.squeeze) })
        object["expand1x1"] = .array(fires.map { JSONValue($0.expand1x1) })
        object["expand3x3"] = .array(fires.map { JSONValue($0.expand3x3) })
        if let classCount { object["classes"] = JSONValue(classCount) }
        return .object(object)
    }
}
