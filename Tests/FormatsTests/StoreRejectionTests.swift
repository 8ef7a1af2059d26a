import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// Stores whose tensors are sound but whose metadata break a promise of `docs/format-ud2w.md`.
@Suite struct StoreRejectionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let code: UD2MError.Code
        let entry: String?
        /// Pairs that replace those of a sound store; an empty text removes the pair.
        let changes: [String: String]
        var tensor: String?

        var testDescription: String { "\(code.name): \(changes)" }
    }

    static let zeros16 = String(repeating: "0", count: 16)
    static let zeros64 = String(repeating: "0", count: 64)
    static let sound = #"{"s":"\#(zeros64)","x":"\#(zeros16)"}"#

    static let cases: [Case] = [
        Case(code: .storeVersion, entry: "ud2w.version", changes: ["ud2w.version": "2"]),
        Case(code: .storeAlignment, entry: "ud2w.align", changes: ["ud2w.align": ""]),
        Case(code: .storeAlignment, entry: "ud2w.align", changes: ["ud2w.align": "96"]),
        Case(code: .storeAlignment, entry: "ud2w.align", changes: ["ud2w.align": "+64"]),
        Case(code: .storeAlignment, entry: "ud2w.align", changes: ["ud2w.align": "32"]),
        Case(code: .storeAlignment, entry: "ud2w.align", changes: ["ud2w.align": "16384"]),
        Case(code: .storeMetadata, entry: "ud2w.aliases", changes: ["ud2w.aliases": "{"]),
        Case(code: .storeMetadata, entry: "ud2w.aliases", changes: ["ud2w.aliases": #"{"c":["a"]}"#]),
        Case(code: .storeAlias, entry: "ud2w.aliases", changes: ["ud2w.aliases": "[]"]),
        Case(code: .storeAlias, entry: "ud2w.aliases", changes: ["ud2w.aliases": #"{"c":"d"}"#], tensor: "c"),
        Case(code: .storeAlias, entry: "ud2w.aliases", changes: ["ud2w.aliases": #"{"c":"a","d":"c"}"#], tensor: "d"),
        Case(code: .storeAlias, entry: "ud2w.aliases", changes: ["ud2w.aliases": #"{"a":"b"}"#], tensor: "a"),
        Case(code: .storeAlias, entry: "ud2w.aliases", changes: ["ud2w.aliases": #"{"c":1}"#], tensor: "c"),
        Case(code: .storeMetadata, entry: "ud2w.check", changes: ["ud2w.check": "{\"a\":1,\"a\":2}"]),
        Case(code: .storeChecksums, entry: "ud2w.check", changes: ["ud2w.check": "[]"]),
        Case(code: .storeChecksums, entry: "ud2w.check", changes: ["ud2w.check": #"{"a":\#(sound)}"#]),
        Case(
            code: .storeChecksums, entry: "ud2w.check", changes: ["ud2w.check": #"{"a":\#(sound),"c":\#(sound)}"#],
            tensor: "b"),
        Case(
            code: .storeChecksums, entry: "ud2w.check",
            changes: ["ud2w.check": #"{"a":\#(sound),"b":{"s":"\#(zeros64)","x":"\#(zeros64)"}}"#], tensor: "b"),
        Case(
            code: .storeChecksums, entry: "ud2w.check",
            changes: ["ud2w.check": #"{"a":\#(sound),"b":{"s":"\#(zeros64)","x":"000000000000000G"}}"#], tensor: "b"),
        Case(
            code: .storeChecksums, entry: "ud2w.check",
            changes: ["ud2w.check": #"{"a":\#(sound),"b":{"s":"\#(zeros64)","x":"\#(zeros16)","c":["\#(zeros16)"]}}"#],
            tensor: "b"),
        Case(
            code: .storeChecksums, entry: "ud2w.check",
            changes: ["ud2w.check": #"{"a":\#(sound),"b":{"s":"\#(zeros64)","x":"\#(zeros16)","y":""}}"#], tensor: "b"),
        Case(code: .storeContent, entry: "ud2w.content", changes: ["ud2w.content": zeros64]),
        Case(code: .storeContent, entry: "ud2w.content", changes: ["ud2w.content": zeros64, "ud2w.check": ""]),
        Case(code: .storeMetadata, entry: "ud2w.quant", changes: ["ud2w.quant": "{"]),
        Case(code: .tensorInterpretation, entry: "ud2w.quant", changes: ["ud2w.quant": "[]"]),
        Case(
            code: .tensorInterpretation, entry: "ud2w.quant", changes: ["ud2w.quant": #"{"z":{"kind":"torch"}}"#],
            tensor: "z"),
        Case(code: .storeMetadata, entry: "ud2w.config", changes: ["ud2w.config": "nan"]),
        Case(code: .storeMetadata, entry: "ud2w.source", changes: ["ud2w.source": "{} x"]),
        Case(code: .storeMetadata, entry: "ud2w.lineage", changes: ["ud2w.lineage": "{}"]),
        Case(code: .architectureInvalid, entry: "family", changes: ["ud2w.arch": #"{"family":"vae"}"#]),
        Case(code: .architectureInvalid, entry: "ud2w.arch", changes: ["ud2w.arch": "[]"]),
    ]

    @Test(arguments: cases) func refuses(_ item: Case) throws {
        let folder = try TemporaryDirectory()
        let tensors = [
            TensorInput("a", .u8, [64], bytes: [UInt8](repeating: 1, count: 64)),
            TensorInput("b", .u8, [1], bytes: [2]),
        ]
        _ = try WeightStoreWriter(tensors: tensors, alignment: 64).write(to: folder.path("sound"))
        var metadata = try WeightStore(path: folder.path("sound")).metadata
        for (key, value) in item.changes { metadata[key] = value.isEmpty ? nil : value }
        // A plain file may carry any pairs.
        try SafetensorsFile.write(to: folder.path("broken"), tensors: tensors, metadata: metadata)
        let error = expectError(item.code) { _ = try WeightStore(path: folder.path("broken")) }
        #expect(error?.location.entry == item.entry)
        #expect(error?.location.tensor == item.tensor)
    }

    @Test func refusesTensorsInTheWrongPlace() throws {
        let header =
            #"{"__metadata__":{"ud2w.align":"64","ud2w.version":"1"},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[64],"data_offsets":[1,65]}}"#
        let padded = header + String(repeating: " ", count: (64 - (header.utf8.count + 8) % 64) % 64)
        let folder = try TemporaryDirectory()
        let path = try folder.write(safetensorsBytes(header: padded, dataBytes: 65), as: "f")
        let error = expectError(.storeAlignment) { _ = try WeightStore(path: path) }
        #expect(error?.location.tensor == "b")
        #expect(error?.location.byteOffset == padded.utf8.count + 9)
    }

    /// Any change of bytes must end in success or a `UD2MError`; a trap would end the process.
    @Test(arguments: 0..<8) func mutationsNeverTrap(seed: Int) throws {
        let folder = try TemporaryDirectory()
        _ = try WeightStoreWriter(
            tensors: StoreTests.tensors(), aliases: ["tied": "half"], information: StoreTests.information, alignment: 64
        ).write(to: folder.path("sound"))
        let sound = try Array(Data(contentsOf: URL(filePath: folder.path("sound"))))
        var random = SplitMix64(seed: UInt64(seed))
        let digits = Array("0123456789{}[]\",:-.eE\\u".utf8)
        var refused = 0
        for _ in 0..<300 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                // Mostly in the header, where the decisions are.
                let index = Int.random(in: 0..<min(bytes.count, 4_000), using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[index] = digits.randomElement(using: &random) ?? 0
                case 2: bytes.remove(at: index)
                case 3: bytes.insert(digits.randomElement(using: &random) ?? 0, at: index)
                default: if index > 8 { bytes.removeSubrange(index...) }
                }
                if bytes.isEmpty { bytes = [0] }
            }
            let path = try folder.write(bytes, as: "mutant")
            do {
                let store = try WeightStore(path: path)
                for name in store.names { _ = try? store[name]?.floats() }
                _ = try store.safetensors.checkpoint()
                _ = try? store.verify(deep: true)
            } catch is UD2MError {
                refused += 1
            }
        }
        #expect(refused > 100)
    }
}
