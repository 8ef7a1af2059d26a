import Testing
import UD2MFormats

@Suite struct ArchitectureTests {
    static let text =
        #"{"attention_levels":[1],"attention_order":"legacy","family":"adm","heads":{"channels":64},"image_channels":3,"input_channels":3,"level_channels":[64,128],"model_channels":64,"output_channels":6,"resampling":"resblock","residual_blocks":1,"scale_shift":true,"super_resolution":false}"#

    @Test func roundTrip() throws {
        #expect(try tinyArchitecture.json.canonicalText() == Self.text)
        #expect(try ArchitectureConfiguration(json: JSONValue(parsing: Self.text)) == tinyArchitecture)
        guard case .adm(var configuration) = tinyArchitecture else { return }
        configuration.classCount = 1000
        configuration.heads = .count(4)
        configuration.isSuperResolution = true
        configuration.inputChannels = 6
        let other = ArchitectureConfiguration.adm(configuration)
        #expect(try ArchitectureConfiguration(json: other.json) == other)
    }

    @Test(arguments: [
        ("family", "\"vae\""), ("family", "1"), ("image_channels", "0"), ("image_channels", "2"),
        ("image_channels", "3.0"),
        ("input_channels", "6"), ("input_channels", "-3"), ("output_channels", "5"), ("model_channels", "0"),
        ("model_channels", "65537"), ("level_channels", "[]"), ("level_channels", "[64,48]"), ("level_channels", "[0]"),
        ("level_channels", "[131072,64]"), ("level_channels", "64"),
        ("level_channels", "[64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64]"), ("residual_blocks", "0"),
        ("residual_blocks", "9223372036854775807"), ("attention_levels", "[2]"), ("attention_levels", "[-1]"),
        ("attention_levels", "[1,0]"), ("attention_levels", "[1,1]"), ("heads", "{\"channels\":96}"),
        ("heads", "{\"count\":0}"),
        ("heads", "{\"channels\":64,\"count\":2}"), ("heads", "64"), ("heads", "{}"), ("heads", "{\"width\":64}"),
        ("attention_order", "\"old\""), ("scale_shift", "1"), ("resampling", "null"), ("classes", "0"),
        ("classes", "null"),
        ("super_resolution", "\"no\""), ("extra", "1"),
    ])
    func refuses(field: String, value: String) throws {
        guard case .object(var object) = try JSONValue(parsing: Self.text) else { return }
        object[field] = try JSONValue(parsing: value)
        let error = expectError(.architectureInvalid) { _ = try ArchitectureConfiguration(json: .object(object)) }
        #expect(error?.location.entry == field)
    }

    @Test(arguments: ["attention_order", "image_channels", "heads", "super_resolution", "attention_levels", "family"])
    func refusesMissing(field: String) throws {
        guard case .object(var object) = try JSONValue(parsing: Self.text) else { return }
        object[field] = nil
        let error = expectError(.architectureInvalid) { _ = try ArchitectureConfiguration(json: .object(object)) }
        #expect(error?.location.entry == field)
    }
}
