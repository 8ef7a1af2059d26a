import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// A small network's configuration.
let tinyArchitecture = ArchitectureConfiguration.adm(
    ADMConfiguration(
        imageChannels: 3, inputChannels: 3, outputChannels: 6, modelChannels: 64, levelChannels: [64, 128],
        residualBlocks: 1, attentionLevels: [1], heads: .channels(64), attentionOrder: .legacy, usesScaleShift: true,
        resampling: .residualBlock, classCount: nil, isSuperResolution: false))

@Suite struct StoreTests {
    static func tensors(seed: UInt64 = 1) -> [TensorInput] {
        var random = SplitMix64(seed: seed)
        let shapes: [(TensorName, ElementType, [Int])] = [
            ("out.2.weight", .f32, [6, 64, 3, 3]), ("out.2.bias", .f32, [6]), ("step", .i64, []), ("mask", .bool, [3]),
            ("half", .f16, [33]), ("empty", .f32, [0, 7]),
        ]
        return shapes.map { name, type, shape in
            let count = type.byteCount(shape: shape) ?? 0
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...1, using: &random) }
            return TensorInput(name, type, shape, bytes: bytes)
        }
    }

    static let information = StoreMetadata(
        architecture: tinyArchitecture, config: ["image_size": 64, "dropout": 0.5],
        source: ["file": "tiny.pt", "container": "torch-zip"], created: nil,
        lineage: [["op": "merge", "alpha": 1.5]], license: "MIT", note: "öne\n\"two\"",
        other: ["ud2w.future": "kept", "x": "y"])

    @Test func roundTrip() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path("tiny.ud2w")
        let writer = try WeightStoreWriter(
            tensors: Self.tensors(), aliases: ["tied": "out.2.bias"], information: Self.information)
        var last = (0, 0)
        let summary = try writer.write(to: path) { last = ($0, $1) }
        #expect(last == (writer.plan.dataBytes, writer.plan.dataBytes))
        let store = try WeightStore(path: path)
        #expect(store.architecture == tinyArchitecture)
        #expect(store.information == Self.information)
        #expect(store.contentID == summary.contentID)
        #expect(store.alignment == 16_384)
        #expect(store.safetensors.dataStart == writer.dataStart)
        #expect(store.safetensors.file.count == summary.fileSize && summary.fileSize == writer.fileSize)
        #expect(store.names == (Self.tensors().map(\.name) + ["tied"]).sorted())
        for input in Self.tensors() {
            let tensor = try #require(store[input.name])
            #expect(tensor.elementType == input.elementType && tensor.shape == input.shape)
            try input.bytes { expected in #expect(tensor.withBytes { Array($0) } == Array(expected)) }
            #expect(store.digests(of: input.name) == summary.digests[input.name])
        }
        let (tied, bias) = (try #require(store["tied"]), try #require(store["out.2.bias"]))
        #expect(tied.bytes.baseAddress == bias.bytes.baseAddress && tied.name == "tied")
        #expect(store.digests(of: "tied") == store.digests(of: "out.2.bias"))
        #expect(try store.verify(deep: true).isEmpty)
        let checkpoint = try store.safetensors.checkpoint()
        #expect(checkpoint.container == .weightStore)
        let shared = checkpoint.stateDicts[0].tensors.filter { ["tied", "out.2.bias"].contains($0.name) }
        #expect(shared.count == 2 && shared[0].storage === shared[1].storage)
    }

    @Test func digestsAreTheKnownOnes() throws {
        let folder = try TemporaryDirectory()
        let writer = try WeightStoreWriter(tensors: [TensorInput("a", .u8, [3], bytes: Array("abc".utf8))])
        let summary = try writer.write(to: folder.path("f"))
        // FIPS 180-4's example, and XXH64 of "abc" with seed 0 as xxhsum prints it.
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(summary.digests["a"]?.sha256 == sha256)
        #expect(summary.digests["a"]?.xxh64 == "44bc2cf5ad770999")
        // SHA-256 of "a", "U8", "3" and the digest, joined by NUL, and a line feed, computed with Python's hashlib.
        #expect(summary.contentID == Self.contentOfABC)
    }

    static let contentOfABC = "e70da70f5840e23da697ce55d47a654b6fa7b649774a09d3c30836dc8e57829d"

    @Test func writingTwiceGivesTheSameBytes() throws {
        let folder = try TemporaryDirectory()
        for name in ["one", "two"] {
            let tensors = name == "one" ? Self.tensors() : Self.tensors().reversed()
            let writer = try WeightStoreWriter(
                tensors: tensors, aliases: ["t": "half", "s": "step"], information: Self.information)
            _ = try writer.write(to: folder.path(name))
        }
        let (one, two) = (folder.path("one"), folder.path("two"))
        #expect(try Data(contentsOf: URL(filePath: one)) == Data(contentsOf: URL(filePath: two)))
    }

    @Test func theContentIDIgnoresEverythingButWeights() throws {
        let folder = try TemporaryDirectory()
        func id(_ tensors: [TensorInput], _ name: String, aliases: [TensorName: TensorName] = [:], alignment: Int = 64)
            throws
            -> String
        {
            try WeightStoreWriter(tensors: tensors, aliases: aliases, alignment: alignment)
                .write(to: folder.path(name)).contentID
        }
        let tensors = Self.tensors()
        let base = try id(tensors, "a")
        #expect(try id(tensors.reversed(), "b", alignment: 65_536) == base)
        var duplicate = tensors[0]
        duplicate.name = "again"
        // An alias counts as the tensor it stands for would.
        #expect(try id(tensors + [duplicate], "c") == id(tensors, "d", aliases: ["again": tensors[0].name]))
        #expect(try id(Self.tensors(seed: 2), "e") != base)
        var renamed = tensors
        renamed[0].name = "renamed"
        #expect(try id(renamed, "f") != base)
        var reshaped = tensors
        reshaped[1].shape = [2, 3]
        #expect(try id(reshaped, "g") != base)
    }

    @Test(arguments: 0..<20) func everyTensorIsAligned(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        let tensors = (0..<Int.random(in: 0...40, using: &random)).map { index in
            let size = Int.random(in: 0...400, using: &random) << Int.random(in: 0...6, using: &random)
            return TensorInput(
                TensorName("t\(index)"), .u8, [size], bytes: [UInt8](repeating: UInt8(index), count: size))
        }
        let writer = try WeightStoreWriter(tensors: tensors, alignment: 4096)
        #expect(writer.dataStart % 4096 == 0)
        #expect(writer.plan.dataBytes == tensors.reduce(0) { $0 + $1.shape[0] })
        var end = 0
        for row in writer.plan.rows {
            #expect(row.dataRange.lowerBound == end)
            end = row.dataRange.upperBound
            // The size's largest power of two divides the place.
            #expect(
                row.dataRange.isEmpty || row.dataRange.lowerBound % (row.dataRange.count & -row.dataRange.count) == 0)
        }
        let folder = try TemporaryDirectory()
        _ = try writer.write(to: folder.path("f"))
        let store = try WeightStore(path: folder.path("f"))
        #expect(store.names.allSatisfy { store[$0].map { $0.byteCount % 64 != 0 || $0.isAligned(to: 64) } ?? false })
    }

    @Test(arguments: [false, true]) func damageIsFoundWhereItIs(inLargeTensor: Bool) throws {
        let folder = try TemporaryDirectory()
        let path = folder.path("f")
        let large = [Float](repeating: 0.5, count: 9 << 18)
        let tensors = [
            TensorInput(name: "large", shape: [9 << 18], floats: large),
            TensorInput(name: "small", shape: [2], floats: [1, 2]),
        ]
        _ = try WeightStoreWriter(tensors: tensors).write(to: path)
        #expect(try WeightStore(path: path).verify(deep: false).isEmpty)
        let intact = try WeightStore(path: path)
        #expect(intact.digests(of: "large")?.chunks.count == 3)
        let name: TensorName = inLargeTensor ? "large" : "small"
        let offset = try #require(intact[name]).fileOffset + (inLargeTensor ? 5 << 20 : 3)
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[offset] ^= 1
        try bytes.write(to: URL(filePath: path))
        let mismatches = try WeightStore(path: path).verify(deep: true)
        #expect(mismatches.map(\.tensor) == [name])
        #expect(mismatches.first?.range.contains(offset) == true)
        if inLargeTensor { #expect(mismatches.first?.range.count == 4 << 20) }
    }

    @Test func verifyNeedsDigestsAndAnUnchangedFile() throws {
        let folder = try TemporaryDirectory()
        let plain = folder.path("plain")
        try SafetensorsFile.write(to: plain, tensors: Self.tensors())
        expectError(.storeChecksums) { _ = try WeightStore(path: plain).verify(deep: false) }
        let path = folder.path("store")
        _ = try WeightStoreWriter(tensors: Self.tensors()).write(to: path)
        let store = try WeightStore(path: path)
        let handle = try FileHandle(forWritingTo: URL(filePath: path))
        try handle.truncate(atOffset: 100)
        expectError(.fileChanged) { _ = try store.verify(deep: false) }
    }

    @Test func aFailedWriteLeavesNothing() throws {
        let folder = try TemporaryDirectory()
        let writer = try WeightStoreWriter(tensors: Self.tensors())
        #expect(throws: CancellationError.self) {
            _ = try writer.write(to: folder.path("f")) { _, _ in throw CancellationError() }
        }
        #expect(try folder.names().isEmpty)
    }

    @Test(arguments: [0, 32, 48, 100, 1 << 27]) func refusesAlignment(alignment: Int) {
        expectError(.storeAlignment) { _ = try WeightStoreWriter(tensors: [], alignment: alignment) }
    }

    @Test(arguments: [["a": "missing"], ["half": "mask"], ["self": "self"]] as [[TensorName: TensorName]])
    func refusesAliases(aliases: [TensorName: TensorName]) {
        let error = expectError(.storeAlias) { _ = try WeightStoreWriter(tensors: Self.tensors(), aliases: aliases) }
        #expect(error?.location.tensor == aliases.keys.first?.text)
    }

    @Test(arguments: ["ud2w.check", "ud2w.arch", "format"]) func refusesComputedKeys(key: String) {
        let error = expectError(.storeMetadata) {
            _ = try WeightStoreWriter(tensors: [], information: .init(other: [key: "{}"]))
        }
        #expect(error?.location.entry == key)
    }
}
