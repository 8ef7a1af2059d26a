import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// The schemas and the code describe the same documents, checked in both directions.
@Suite struct StoreSchemaTests {
    static let folder = RepositoryPaths.root.appending(path: "schemas")

    @Test func theWritersHeaderIsValid() throws {
        let folder = try TemporaryDirectory()
        let large = TensorInput(name: "large", shape: [9 << 18], floats: [Float](repeating: 1, count: 9 << 18))
        _ = try WeightStoreWriter(
            tensors: StoreTests.tensors() + [large], aliases: ["tied": "half"], information: StoreTests.information
        ).write(to: folder.path("f"))
        let store = try WeightStore(path: folder.path("f"))
        let header = try Data(contentsOf: URL(filePath: folder.path("f")))[8..<store.safetensors.dataStart]
        let file = Self.folder.appending(path: "store-header.schema.json")
        #expect(try JSONSchema(file: file).validate(Data(header)) == [])
        for (key, definition) in [
            ("ud2w.check", "checksums"), ("ud2w.aliases", "aliases"), ("ud2w.lineage", "lineage"),
        ] {
            let text = try #require(store.metadata[key])
            #expect(try Self.definition(definition).validate(Data(text.utf8)) == [])
        }
        let quantised = try Checkpoint.open(
            path: RepositoryPaths.fixtures.appending(path: "checkpoints/zip-quantised.pt").path(percentEncoded: false))
        let sparse = try Checkpoint.open(
            path: RepositoryPaths.fixtures.appending(path: "checkpoints/zip-sparse.pt").path(percentEncoded: false))
        let described = (quantised.stateDicts + sparse.stateDicts).flatMap(\.tensors).map { TensorInput($0) }
        _ = try WeightStoreWriter(tensors: described).write(to: folder.path("described"))
        let meanings = try #require(try WeightStore(path: folder.path("described")).metadata["ud2w.quant"])
        #expect(try Self.definition("interpretations").validate(Data(meanings.utf8)) == [])
        let checksums = try Self.definition("checksums")
        #expect(!checksums.validate(Data(#"{"a":{"x":"0"}}"#.utf8)).isEmpty)
    }

    @Test func theWritersArchitectureIsValid() throws {
        let schema = try JSONSchema(file: Self.folder.appending(path: "architecture.schema.json"))
        #expect(schema.validate(Data(ArchitectureTests.text.utf8)) == [])
        #expect(schema.validate(Data(try tinyArchitecture.json.canonicalText().utf8)) == [])
    }

    /// What the schema refuses, the code refuses too.
    @Test(arguments: [
        ("family", "\"vae\""), ("image_channels", "2"), ("input_channels", "0"), ("level_channels", "[]"),
        ("level_channels", "[16]"), ("heads", "{}"), ("attention_order", "\"old\""), ("resampling", "\"none\""),
        ("classes", "0"), ("extra", "1"), ("scale_shift", "1"), ("residual_blocks", "65"),
    ])
    func bothRefuse(field: String, value: String) throws {
        guard case .object(var object) = try JSONValue(parsing: ArchitectureTests.text) else { return }
        object[field] = try JSONValue(parsing: value)
        let changed = JSONValue.object(object)
        let schema = try JSONSchema(file: Self.folder.appending(path: "architecture.schema.json"))
        #expect(!schema.validate(Data(try changed.canonicalText().utf8)).isEmpty)
        expectError(.architectureInvalid) { _ = try ArchitectureConfiguration(json: changed) }
    }

    /// A schema of its own for one of the definitions.
    private static func definition(_ name: String) throws -> JSONSchema {
        let data = try Data(contentsOf: folder.appending(path: "store-header.schema.json"))
        guard case .object(let schema) = try data.withUnsafeBytes({ try JSONValue(parsing: $0) }),
            let definitions = schema["$defs"]
        else { throw CocoaError(.fileReadCorruptFile) }
        let part: JSONValue = ["$defs": definitions, "$ref": .string("#/$defs/\(name)")]
        return try JSONSchema(Data(try part.canonicalText().utf8))
    }
}
