import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// Reading data through the mapping or by `pread`: the same bytes and the same errors.
@Suite struct FileAccessTests {
    private static func digests(_ path: String, _ access: FileAccess) throws -> [String] {
        let checkpoint = try Checkpoint.open(path: path, allowMissingCRC: true, access: access)
        return try (checkpoint.stateDicts.flatMap(\.tensors) + checkpoint.looseTensors).map { tensor in
            var hash = try SHA256()
            try tensor.stream(as: tensor.elementType, pieceBytes: 48) { try hash.update($0) }
            return "\(tensor.path) \(try hash.finish())"
        }
    }

    @Test("every fixture gives the same bytes", arguments: CheckpointFixtureTests.manifest.keys.sorted())
    func sameBytes(_ name: String) throws {
        let path = CheckpointFixtureTests.folder.appending(path: name).path(percentEncoded: false)
        let mapped = try Self.digests(path, .mapping)
        #expect(try Self.digests(path, .reading) == mapped)
        #expect(try Self.digests(path, .automatic) == mapped)
    }

    @Test("ranges longer than one read arrive whole, in pieces of one size")
    func longRanges() throws {
        let folder = try TemporaryDirectory()
        var generator = SplitMix64(seed: 4)
        let bytes = (0..<9_000_001).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let path = try folder.write(bytes, as: "f")
        for access in [FileAccess.mapping, .reading] {
            let file = try MappedFile(path: path, access: access)
            #expect(file.usesReading == (access == .reading))
            for (range, pieceBytes) in [
                (0..<9_000_001, 1_000_003), (5..<8_999_990, 4096), (7..<7, 1), (3..<4, 1 << 30),
            ] {
                var read: [UInt8] = []
                var sizes: [Int] = []
                try file.stream(range, pieceBytes: pieceBytes) { piece in
                    read += piece
                    sizes.append(piece.count)
                }
                #expect(read.elementsEqual(bytes[range]))
                #expect(sizes.dropLast().allSatisfy { $0 == pieceBytes })
            }
            let error = expectError(.fileRangeOutside) { try file.stream(0..<9_000_002, pieceBytes: 1) { _ in } }
            #expect(error?.location.file == path)
        }
    }

    @Test("a file that shrinks while it is read is an error")
    func shrinking() throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write([UInt8](repeating: 7, count: 10_000_000), as: "f")
        let file = try MappedFile(path: path, access: .reading)
        let error = expectError(.fileChanged) {
            try file.stream(0..<10_000_000, pieceBytes: 1 << 20) { _ in truncate(path, 100) }
        }
        #expect(error?.location.file == path)
    }

    @Test("a record's checksum is compared whichever way it is read", arguments: FileAccess.allCases)
    func checksums(_ access: FileAccess) throws {
        let folder = try TemporaryDirectory()
        let path = folder.path("a.pt")
        let values = (0..<1000).map { Float($0) }
        try TorchZipWriter(tensors: [TensorInput(name: "x", shape: [10, 100], floats: values)]).write(to: path)
        var bytes = try Data(contentsOf: URL(filePath: path))
        let data = values.withUnsafeBytes { Data($0) }
        let place = try #require(bytes.firstRange(of: data.dropFirst(4)))
        bytes[place.lowerBound + 17] ^= 0x10
        try bytes.write(to: URL(filePath: path))
        var tensor = try #require(try Checkpoint.open(path: path, access: access).stateDicts.first?.tensors.first)
        // The whole in one pass, then a part of it, then elements in another order.
        expectError(.zipChecksum) { try tensor.stream(as: .f32) { _ in } }
        tensor.shape = [2, 100]
        expectError(.zipChecksum) { try tensor.stream(as: .f32) { _ in } }
        (tensor.shape, tensor.strides) = ([100, 10], [1, 100])
        expectError(.zipChecksum) { try tensor.stream(as: .f32) { _ in } }
    }

    #if os(Linux)
        @Test("a file system that is not local is read, a local one mapped")
        func automatic() throws {
            // /proc and /sys are local; network file systems cannot be mounted in a test.
            let folder = try TemporaryDirectory()
            #expect(try !MappedFile(path: folder.write([1], as: "f")).usesReading)
        }
    #endif
}
