extension VGGConfiguration {
    /// Takes the fields of a configuration object.
    init(fields: inout ArchitectureFields) throws {
        self.init(
            widths: try fields.ints("widths", in: ADMConfiguration.channelRange, count: 5...5),
            classifierWidths: fields.optional("classifier_widths") == nil
                ? [] : try fields.ints("classifier_widths", in: ADMConfiguration.channelRange, count: 3...3))
    }

    /// The configuration as JSON.
    var json: JSONValue {
        var object = JSONObject()
        object["family"] = "vgg16"
        object["widths"] = .array(widths.map { JSONValue($0) })
        if hasClassifier { object["classifier_widths"] = .array(classifierWidths.map { JSONValue($0) }) }
        return .object(object)
    }
}
