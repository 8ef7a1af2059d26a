extension DiscriminatorConfiguration {
    /// Sides of an image in pixels.
    static let sizeRange = 1...65_536

    /// Takes the fields of a configuration object.
    init(fields: inout ArchitectureFields) throws {
        self.init(
            imageChannels: try fields.int("image_channels", in: 1...64),
            imageSize: try fields.int("image_size", in: Self.sizeRange),
            stemChannels: try fields.int("stem_channels", in: ADMConfiguration.channelRange),
            widths: try fields.ints("widths", in: ADMConfiguration.channelRange, count: 1...16))
        guard finalSize >= 1, finalSize << layers == imageSize else {
            throw fields.error("image_size", "\(imageSize) pixels cannot be halved \(layers) times.")
        }
    }

    /// The configuration as JSON.
    var json: JSONValue {
        var object = JSONObject()
        object["family"] = "discriminator"
        object["image_channels"] = JSONValue(imageChannels)
        object["image_size"] = JSONValue(imageSize)
        object["stem_channels"] = JSONValue(stemChannels)
        object["widths"] = .array(widths.map { JSONValue($0) })
        return .object(object)
    }
}
