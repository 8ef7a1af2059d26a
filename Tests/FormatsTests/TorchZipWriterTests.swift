import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

@Suite("Writing .pt and .npz files")
struct TorchZipWriterTests {
    /// Two rows of eight elements: whole bytes for every type.
    private static let shape = [2, 8]

    private func tensor(_ type: ElementType, _ random: inout SplitMix64) throws -> (TensorInput, [UInt8]) {
        let count = try #require(type.byteCount(shape: Self.shape))
        // Booleans are normalised when read, so only their two values come back as they were.
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...(type == .bool ? 1 : 255), using: &random) }
        return (TensorInput(TensorName("types.\(type.rawValue)"), type, Self.shape, bytes: bytes), bytes)
    }

    @Test("every type PyTorch has comes back bit for bit, in order")
    func everyType() throws {
        var random = SplitMix64(seed: 2)
        let folder = try TemporaryDirectory()
        let types = ElementType.allCases.filter { $0 != .f6e2m3 && $0 != .f6e3m2 }
        let tensors = try types.map { try tensor($0, &random) }
        let path = folder.path("types.pt")
        let writer = try TorchZipWriter(tensors: tensors.map(\.0))
        var last = (0, 0)
        try writer.write(to: path) { last = ($0, $1) }
        #expect(last.0 > 0 && last.0 <= last.1)
        let checkpoint = try Checkpoint.open(path: path)
        #expect(checkpoint.container == .torchZip)
        #expect(checkpoint.fileSize == writer.fileSize)
        #expect(checkpoint.findings.isEmpty && checkpoint.skipped.isEmpty && checkpoint.remarks.isEmpty)
        let state = try #require(checkpoint.stateDicts.first)
        #expect(state.tensors.map(\.name) == tensors.map(\.0.name))
        for (read, written) in zip(state.tensors, tensors) {
            #expect(read.elementType == written.0.elementType)
            #expect(read.shape == Self.shape)
            #expect(try read.withContiguousBytes { Array($0) } == written.1, "\(read.name)")
        }
        let again = folder.path("again.pt")
        try TorchZipWriter(tensors: tensors.map(\.0)).write(to: again)
        #expect(try Data(contentsOf: URL(filePath: path)) == Data(contentsOf: URL(filePath: again)))
    }

    @Test("aliases share a storage and stand where they are asked to")
    func aliases() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path("tied.pt")
        let tensors = [
            TensorInput(name: "a", shape: [2], floats: [1, 2]), TensorInput(name: "c", shape: [], floats: [3]),
        ]
        try TorchZipWriter(tensors: tensors, aliases: ["b": "a"], order: ["a", "b", "c"]).write(to: path)
        let state = try #require(try Checkpoint.open(path: path).stateDicts.first)
        #expect(state.tensors.map(\.name) == ["a", "b", "c"])
        #expect(state.tensors[0].storage === state.tensors[1].storage)
        #expect(state.tensors[2].shape == [])
        expectError(.storeAlias) { _ = try TorchZipWriter(tensors: tensors, aliases: ["b": "d"]) }
        expectError(.storeAlias) { _ = try TorchZipWriter(tensors: tensors, aliases: ["a": "c"]) }
    }

    @Test("types that PyTorch lacks are refused by name", arguments: [ElementType.f6e2m3, .f6e3m2])
    func missingType(_ type: ElementType) {
        let error = expectError(.exportType) {
            _ = try TorchZipWriter(tensors: [TensorInput("odd", type, [4], bytes: [0, 0, 0])])
        }
        #expect(error?.location.tensor == "odd")
    }

    @Test("half a byte in the last dimension cannot be PyTorch's packed type")
    func oddPacking() {
        expectError(.exportType) {
            _ = try TorchZipWriter(tensors: [TensorInput("odd", .f4, [2, 3], bytes: [0, 0, 0])])
        }
    }

    @Test("arrays carry NumPy's header, its types and the bytes")
    func arrays() throws {
        var random = SplitMix64(seed: 3)
        let folder = try TemporaryDirectory()
        let (floats, bytes) = try tensor(.f32, &random)
        let path = folder.path("a.npz")
        try NPZWriter(tensors: [floats, TensorInput("s", .i64, [], bytes: [1, 0, 0, 0, 0, 0, 0, 0])]).write(to: path)
        let archive = try ZipArchive(file: try MappedFile(path: path))
        let entry = try #require(archive.entry(named: "types.F32.npy".utf8))
        let content = try archive.contents(of: entry, maximumBytes: 1 << 20)
        #expect(content.starts(with: [0x93] + Array("NUMPY".utf8) + [1, 0]))
        #expect(content[9] == 0 && (10 + Int(content[8])) % 64 == 0)
        let header = String(decoding: content[10..<(10 + Int(content[8]))], as: UTF8.self)
        #expect(header.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 8), }"))
        #expect(header.hasSuffix(" \n"))
        #expect(Array(content[(10 + Int(content[8]))...]) == bytes)
        let scalar = try archive.contents(of: try #require(archive.entry(named: "s.npy".utf8)), maximumBytes: 1 << 20)
        #expect(String(decoding: scalar, as: UTF8.self).contains("'shape': ()"))
    }

    @Test(
        "types that NumPy lacks are refused by name",
        arguments: [ElementType.bf16, .f8e5m2, .f8e4m3, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz, .f4])
    func missingArrayType(_ type: ElementType) {
        let error = expectError(.exportType) {
            _ = try NPZWriter(tensors: [TensorInput("odd", type, [2, 8], bytes: [])])
        }
        #expect(error?.location.tensor == "odd")
    }
}
