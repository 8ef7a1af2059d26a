extension LPIPSConfiguration {
    /// Takes the fields of a configuration object.
    init(fields: inout ArchitectureFields) throws {
        let version: Version = try fields.word("version")
        guard let json = fields.optional("trunk"), case .object = json else {
            throw fields.error("trunk", "'trunk' must be an object.")
        }
        do {
            var inner = try ArchitectureFields(json)
            self.init(trunk: try Self.trunk(fields: &inner), version: version)
            try inner.expectNoOthers()
        } catch let error as UD2MError {
            throw fields.error("trunk", "'trunk' is invalid: \(error.message)")
        }
    }

    private static func trunk(fields: inout ArchitectureFields) throws -> Trunk {
        switch try fields.text("family") {
        case "vgg16":
            let vgg = try VGGConfiguration(fields: &fields)
            if !vgg.hasClassifier { return .vgg16(vgg) }
        case "squeezenet":
            let squeezeNet = try SqueezeNetConfiguration(fields: &fields)
            if squeezeNet.classCount == nil { return .squeezeNet(squeezeNet) }
        default: break
        }
        throw fields.error("family", "it must be a vgg16 or squeezenet without classifier.")
    }

    /// The configuration as JSON.
    var json: JSONValue {
        var object = JSONObject()
        object["family"] = "lpips"
        object["version"] = .string(version.rawValue)
        object["trunk"] =
            switch trunk {
            case .vgg16(let vgg): vgg.json
            case .squeezeNet(let squeezeNet): squeezeNet.json
            }
        return .object(object)
    }
}
