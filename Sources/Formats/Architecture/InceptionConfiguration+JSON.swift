extension InceptionConfiguration {
    /// Takes the fields of a configuration object.
    init(fields: inout ArchitectureFields) throws {
        let count = InceptionUnit.all.count
        self.init(
            widths: try fields.ints("widths", in: ADMConfiguration.channelRange, count: count...count),
            classCount: try fields.int("classes", in: 1...1_000_000))
    }

    /// The configuration as JSON.
    var json: JSONValue {
        var object = JSONObject()
        object["family"] = "inception"
        object["widths"] = .array(widths.map { JSONValue($0) })
        object["classes"] = JSONValue(classCount)
        return .object(object)
    }
}
