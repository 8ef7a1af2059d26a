import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// The configurations of every family but ADM, held against the schema both ways.
@Suite struct ArchitectureFamiliesTests {
    static let ddpm = ArchitectureConfiguration.ddpm(
        DDPMConfiguration(
            imageChannels: 3, outputChannels: 3, modelChannels: 32, levelChannels: [32, 64], residualBlocks: 1,
            attentionLevels: [1], headChannels: 16))
    static let squeezeNet = SqueezeNetConfiguration(
        stemChannels: 4, fires: (1...8).map { .init(squeeze: $0, expand1x1: 2 * $0, expand3x3: 3 * $0) })
    static let all: [(String, ArchitectureConfiguration)] = [
        ("ddpm", ddpm),
        (
            "ram",
            .ram(
                RAMConfiguration(widths: [8, 8, 16, 16], blocksPerLevel: 2, imageChannels: [1, 3], flavour: .deepinv))
        ),
        ("vgg16", .vgg16(VGGConfiguration(widths: [4, 8, 16, 32, 32], classifierWidths: [32, 32, 10]))),
        ("vgg16", .vgg16(VGGConfiguration(widths: [4, 8, 16, 32, 32]))),
        ("squeezenet", .squeezeNet(squeezeNet)),
        ("lpips", .lpips(LPIPSConfiguration(trunk: .squeezeNet(squeezeNet), version: .v0_0))),
        (
            "lpips",
            .lpips(LPIPSConfiguration(trunk: .vgg16(VGGConfiguration(widths: [4, 8, 16, 32, 32])), version: .v0_1))
        ),
        ("inception", .inception(InceptionConfiguration(widths: Array(1...94), classCount: 63))),
        (
            "discriminator",
            .discriminator(
                DiscriminatorConfiguration(imageChannels: 3, imageSize: 32, stemChannels: 32, widths: [64, 128, 64]))
        ),
        (
            "ddpm",
            .ddpm(
                DDPMConfiguration(
                    modelChannels: 32, levelChannels: [32, 64], residualBlocks: 1, attentionLevels: [1],
                    upAttentionLevels: [0]))
        ),
    ]

    static func schema() throws -> JSONSchema {
        try JSONSchema(file: StoreSchemaTests.folder.appending(path: "architecture.schema.json"))
    }

    @Test(arguments: all) func roundTrip(family: String, configuration: ArchitectureConfiguration) throws {
        let text = try configuration.json.canonicalText()
        #expect(text.contains("\"family\":\"\(family)\""))
        #expect(try ArchitectureConfiguration(json: JSONValue(parsing: text)) == configuration)
        #expect(try Self.schema().validate(Data(text.utf8)) == [])
    }

    /// Changes of one field that code and schema both refuse.
    static let bothRefuse: [(Int, String, String)] = [
        (0, "image_channels", "0"), (0, "image_channels", "65"), (0, "model_channels", "16"),
        (0, "level_channels", "[]"), (0, "level_channels", "[16,64]"), (0, "level_channels", "[131072]"),
        (0, "residual_blocks", "0"), (0, "residual_blocks", "65"), (0, "attention_levels", "[-1]"),
        (0, "attention_levels", "[16]"), (0, "up_attention_levels", "[16]"), (0, "up_attention_levels", "null"),
        (0, "head_channels", "0"), (0, "head_channels", "null"),
        (0, "norm_epsilon", "0"), (0, "norm_epsilon", "2"), (0, "norm_epsilon", "\"1e-6\""),
        (0, "timestep_order", "\"sin\""), (0, "frequency_shift", "2"), (0, "down_padding", "0"), (0, "extra", "1"),
        (0, "family", "\"ddim\""),
        (1, "widths", "[8,8,8]"), (1, "widths", "[8,8,8,0]"), (1, "blocks_per_level", "0"),
        (1, "image_channels", "[]"), (1, "image_channels", "[17]"), (1, "flavour", "\"ram\""), (1, "scale", "1"),
        (2, "widths", "[4,8,16,32]"), (2, "classifier_widths", "[]"), (2, "classifier_widths", "[1,2,0]"),
        (3, "widths", "4"), (3, "classifier_widths", "null"),
        (4, "stem_channels", "0"), (4, "squeeze", "[1,2,3]"), (4, "classes", "0"), (4, "classes", "1000001"),
        (5, "version", "\"0.2\""), (5, "version", "0.1"), (5, "trunk", "null"), (5, "trunk", "{}"),
        (5, "trunk", "{\"family\":\"adm\"}"), (6, "trunk", "{\"family\":\"vgg16\",\"widths\":[1]}"),
        (6, "trunk", "{\"family\":\"vgg16\",\"widths\":[1,1,1,1,1],\"more\":1}"),
        (7, "widths", "[1,2]"), (7, "classes", "0"),
        (8, "image_channels", "0"), (8, "image_size", "0"), (8, "stem_channels", "0"), (8, "widths", "[]"),
        (8, "widths", "[0]"),
    ]

    /// Relations between fields, which the schema cannot say; it names counts that it cannot bound from above as well.
    static let codeRefuses: [(Int, String, String)] = [
        (0, "model_channels", "40"), (0, "level_channels", "[32,48]"), (0, "attention_levels", "[2]"),
        (0, "attention_levels", "[1,0]"), (0, "attention_levels", "[1,1]"), (0, "head_channels", "24"),
        (0, "up_attention_levels", "[1,0]"), (0, "up_attention_levels", "[2]"),
        (0, "level_channels", "[32,32,32,32,32,32,32,32,32,32,32,32,32,32,32,32,32]"),
        (1, "image_channels", "[3,1]"), (1, "image_channels", "[3,3]"), (1, "widths", "[8,8,8,8,8]"),
        (2, "widths", "[1,1,1,1,1,1]"), (2, "classifier_widths", "[1,1,1,1]"),
        (4, "expand1x1", "[1,1,1,1,1,1,1,1,1]"), (8, "image_size", "36"), (8, "image_size", "4"),
        (8, "widths", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"),
    ]

    @Test(arguments: bothRefuse) func schemaAndCodeRefuse(index: Int, field: String, value: String) throws {
        let changed = try Self.changed(index, field, JSONValue(parsing: value))
        #expect(try !Self.schema().validate(Data(try changed.canonicalText().utf8)).isEmpty)
        let error = expectError(.architectureInvalid) { _ = try ArchitectureConfiguration(json: changed) }
        #expect(error?.location.entry == field)
    }

    @Test(arguments: codeRefuses) func codeAloneRefuses(index: Int, field: String, value: String) throws {
        let changed = try Self.changed(index, field, JSONValue(parsing: value))
        let error = expectError(.architectureInvalid) { _ = try ArchitectureConfiguration(json: changed) }
        #expect(error?.location.entry == field)
    }

    /// No field has a default: a store says everything.
    @Test(arguments: all.indices) func everyFieldIsNeeded(index: Int) throws {
        let optional: Set<String> = ["head_channels", "up_attention_levels", "classifier_widths", "classes"]
        guard case .object(let object) = Self.all[index].1.json else { return }
        for key in object.members.map(\.key) where !optional.contains(key) || (index == 7 && key == "classes") {
            let changed = try Self.changed(index, key, nil)
            #expect(try !Self.schema().validate(Data(try changed.canonicalText().utf8)).isEmpty, "\(key)")
            let error = expectError(.architectureInvalid) { _ = try ArchitectureConfiguration(json: changed) }
            #expect(error?.location.entry == key)
        }
    }

    @Test func aTrunkHasNoClassifier() throws {
        let trunk = Self.all[2].1.json
        let changed = try Self.changed(5, "trunk", trunk)
        let error = expectError(.architectureInvalid) { _ = try ArchitectureConfiguration(json: changed) }
        #expect(error?.location.entry == "trunk")
    }

    /// The wiring of Inception-v3 at its published widths (`networks.md` §5).
    @Test func inceptionWiring() {
        #expect(InceptionUnit.all.count == 94)
        #expect(InceptionUnit.blocks.count == 16)
        #expect(Set(InceptionUnit.all.map(\.name)).count == 94)
        let narrow = InceptionConfiguration(widths: [Int](repeating: 1, count: 94), classCount: 1)
        // Branches side by side: 4 in A, 2 and the input in B, 4 in C, 2 and the input in D, 6 in E.
        let blocks = ["Mixed_5b", "Mixed_6a", "Mixed_6e", "Mixed_7a", "Mixed_7c"]
        #expect(blocks.map { narrow.channels[$0] } == [4, 6, 4, 6, 6])
        #expect(narrow.featureChannels == 6)
        let inputs = zip(InceptionUnit.all, narrow.inputWidths).filter { $0.0.block == "Mixed_7b" }
        // The block's input is Mixed_7a's output; the rest read units of one channel.
        #expect(inputs.map(\.1) == [6, 6, 1, 1, 6, 1, 1, 1, 6])
        #expect(
            InceptionUnit.all.first { $0.name == "Mixed_7c.branch3x3dbl_3b" }?.input == "Mixed_7c.branch3x3dbl_2")
    }

    @Test func tapsOfLPIPS() {
        let vgg = LPIPSConfiguration(trunk: .vgg16(VGGConfiguration(widths: [1, 2, 3, 4, 5])), version: .v0_1)
        #expect(vgg.tapIndices == [3, 8, 15, 22, 29])
        #expect(vgg.tapChannels == [1, 2, 3, 4, 5])
        let squeeze = LPIPSConfiguration(trunk: .squeezeNet(Self.squeezeNet), version: .v0_1)
        #expect(squeeze.tapIndices == [1, 4, 7, 9, 10, 11, 12])
        #expect(squeeze.tapChannels == [4, 10, 20, 25, 30, 35, 40])
    }

    private static func changed(_ index: Int, _ field: String, _ value: JSONValue?) throws -> JSONValue {
        guard case .object(var object) = all[index].1.json else { throw CocoaError(.coderInvalidValue) }
        object[field] = value
        return .object(object)
    }
}
