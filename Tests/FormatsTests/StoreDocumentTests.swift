import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// The example of `docs/format-ud2w.md` is what the code writes.
@Suite struct StoreDocumentTests {
    @Test func theExampleIsTrue() throws {
        let folder = try TemporaryDirectory()
        let tensors = [
            TensorInput(name: "bias", shape: [2], floats: [1, -2]), TensorInput("none", .f16, [0, 3], bytes: []),
        ]
        _ = try WeightStoreWriter(
            tensors: tensors, aliases: ["tied": "bias"], information: .init(note: "an example"), alignment: 64
        ).write(to: folder.path("example.ud2w"))
        let bytes = try Data(contentsOf: URL(filePath: folder.path("example.ud2w")))
        let dataStart = try SafetensorsFile(path: folder.path("example.ud2w")).dataStart
        let header = String(decoding: bytes[8..<dataStart], as: UTF8.self)
        let page = try String(contentsOf: RepositoryPaths.root.appending(path: "docs/format-ud2w.md"), encoding: .utf8)
        let trimmed = header.trimmingCharacters(in: CharacterSet(charactersIn: " "))
        #expect(page.contains("```json\n\(trimmed)\n```"), "the header is\n\(trimmed)")
        #expect(Array(bytes[dataStart...]) == [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0])
    }
}
