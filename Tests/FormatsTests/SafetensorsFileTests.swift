import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

@Suite struct SafetensorsFileTests {
    /// Written by the reference implementation (Python package safetensors 0.8.0).
    static let reference = RepositoryPaths.fixtures.appending(path: "safetensors/reference-0.8.safetensors").path

    @Test func readsTheReferenceImplementation() throws {
        let file = try SafetensorsFile(path: Self.reference)
        #expect(file.metadata == ["format": "pt", "note": "line\n\"two\""])
        #expect(file.entries.map(\.name.text) == ["count", "größe", "empty", "weight", "brain", "half", "mask"])
        #expect(file.entries.map(\.elementType) == [.i64, .f64, .f32, .f32, .bf16, .f16, .bool])
        #expect(file.entries.map(\.shape) == [[], [1], [0, 4], [2, 3], [2], [3], [3]])
        #expect(file.warnings.isEmpty)
        let store = try WeightStore(file)
        #expect(try store["weight"]?.floats() == [0, 0.25, 0.5, 0.75, 1, 1.25])
        #expect(try store["half"]?.floats() == [1, -2.5, 65504])
        #expect(try store["brain"]?.floats() == [0.10009765625, -3])
        #expect(try store["count"]?.floats() == [7])
        #expect(try store["mask"]?.floats() == [1, 0, 1])
        #expect(try store["größe"]?.floats() == [2])
        #expect(try store["empty"]?.floats() == [])
        #expect(store["absent"] == nil)
        #expect(store.contentID == nil && store.alignment == nil && store.architecture == nil)
    }

    @Test func describesACheckpoint() throws {
        let checkpoint = try SafetensorsFile(path: Self.reference).checkpoint()
        #expect(checkpoint.container == .safetensors)
        #expect(checkpoint.stateDicts.count == 1)
        #expect(checkpoint.stateDicts[0].path.isEmpty)
        let tensors = checkpoint.stateDicts[0].tensors
        #expect(tensors.count == 7)
        let weight = try #require(tensors.first { $0.name == "weight" })
        var bytes: [UInt8] = []
        try weight.stream(as: .f32) { bytes.append(contentsOf: $0) }
        #expect(bytes == [0, 0.25, 0.5, 0.75, 1, 1.25 as Float].withUnsafeBytes { Array($0) })
    }

    @Test func writesWhatItReads() throws {
        let folder = try TemporaryDirectory()
        let source = try SafetensorsFile(path: Self.reference)
        let tensors = try source.checkpoint().stateDicts[0].tensors.map { TensorInput($0) }
        let path = folder.path("copy.safetensors")
        try SafetensorsFile.write(to: path, tensors: tensors, metadata: source.metadata)
        let copy = try SafetensorsFile(path: path)
        #expect(copy.metadata == source.metadata)
        #expect(copy.dataStart % 64 == 0)
        #expect(copy.entries.count == source.entries.count)
        for entry in source.entries {
            let other = try #require(copy.entries.first { $0.name == entry.name })
            #expect(other.elementType == entry.elementType && other.shape == entry.shape)
            #expect(Array(copy.file.bytes[other.range]) == Array(source.file.bytes[entry.range]))
        }
        // The order of the input does not matter.
        let again = folder.path("again.safetensors")
        try SafetensorsFile.write(to: again, tensors: tensors.reversed(), metadata: source.metadata)
        #expect(try Data(contentsOf: URL(filePath: again)) == Data(contentsOf: URL(filePath: path)))
    }

    @Test func acceptsTrailingWhitespaceAndNoTensors() throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write(safetensorsBytes(header: "{} \t\r\n", dataBytes: 0), as: "f")
        #expect(try SafetensorsFile(path: path).entries.isEmpty)
    }

    @Test func namesThatAreEqualAsStringsStayApart() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path("f")
        let names: [TensorName] = ["\u{E9}", "e\u{301}", "", "a\u{0}b", "__metadata", "\"quoted\\\"\n\u{1}"]
        let tensors = names.enumerated().map { TensorInput($1, .u8, [1], bytes: [UInt8($0)]) }
        try SafetensorsFile.write(to: path, tensors: tensors)
        let store = try WeightStore(path: path)
        #expect(store.names == names.sorted())
        for (index, name) in names.enumerated() { #expect(store[name]?.withBytes { Array($0) } == [UInt8(index)]) }
    }

    @Test func aTensorOutlivesItsStore() throws {
        func open() throws -> StoredTensor? { try WeightStore(path: Self.reference)["weight"] }
        #expect(try open()?.floats().last == 1.25)
    }

    @Test(arguments: [
        TensorInput("__metadata__", .u8, [0], bytes: []),
        TensorInput(TensorName(bytes: [0xFF]), .u8, [0], bytes: []), TensorInput("a", .f4, [1], bytes: []),
        TensorInput("a", .u8, [.max, 2], bytes: []), TensorInput("a", .u8, [-1], bytes: []),
    ])
    func refusesToWrite(tensor: TensorInput) throws {
        let folder = try TemporaryDirectory()
        let error = expectError(.storeTensor) { try SafetensorsFile.write(to: folder.path("f"), tensors: [tensor]) }
        #expect(error?.location.tensor == tensor.name.text)
        #expect(try folder.names().isEmpty)
    }

    @Test func refusesToWriteANameTwice() throws {
        let folder = try TemporaryDirectory()
        let tensor = TensorInput("a", .u8, [0], bytes: [])
        expectError(.storeTensor) { try SafetensorsFile.write(to: folder.path("f"), tensors: [tensor, tensor]) }
    }

    @Test(arguments: [[UInt8](repeating: 0, count: 3), [UInt8](repeating: 0, count: 5)])
    func refusesBytesThatAreNotAsPlanned(bytes: [UInt8]) throws {
        let folder = try TemporaryDirectory()
        let error = expectError(.storeTensorBytes) {
            try SafetensorsFile.write(to: folder.path("f"), tensors: [TensorInput("a", .u8, [4], bytes: bytes)])
        }
        #expect(error?.location.tensor == "a")
        #expect(try folder.names().isEmpty)
    }
}
