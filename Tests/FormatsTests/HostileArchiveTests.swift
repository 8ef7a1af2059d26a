import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// Damaged and misleading torch archives.
@Suite struct HostileArchiveTests {
    /// Opens bytes and reads every tensor.
    private static func readAll(_ bytes: [UInt8], in folder: TemporaryDirectory, name: String) throws -> [[UInt8]] {
        let path = folder.path(name)
        try Data(bytes).write(to: URL(filePath: path))
        let checkpoint = try Checkpoint.open(path: path)
        return try checkpoint.stateDicts.flatMap(\.tensors).map { try $0.withContiguousBytes { Array($0) } }
    }

    @Test func everyTruncationIsRefused() throws {
        let folder = try TemporaryDirectory()
        var archive = TorchArchive.small()
        archive.zip.hasZip64End = true
        let bytes = archive.zip.build()
        for count in 0..<bytes.count {
            let error = thrownError { try Self.readAll(Array(bytes[..<count]), in: folder, name: "\(count)") }
            #expect(error != nil, "\(count) of \(bytes.count) bytes")
            try FileManager.default.removeItem(atPath: folder.path("\(count)"))
        }
    }

    /// Any bit of any byte: an error or the right weights, and never a trap.
    @Test(arguments: 0..<8)
    func everyFlippedBitIsRefusedOrHarmless(_ bit: Int) throws {
        let folder = try TemporaryDirectory()
        var archive = TorchArchive.small()
        archive.zip.hasZip64End = true
        let bytes = archive.zip.build()
        let right = try Self.readAll(bytes, in: folder, name: "right")
        for index in bytes.indices {
            var flipped = bytes
            flipped[index] ^= 1 << bit
            do {
                let read = try Self.readAll(flipped, in: folder, name: "flipped")
                #expect(read == right, "bit \(bit) of byte \(index)")
            } catch {
                #expect(error is UD2MError, "bit \(bit) of byte \(index)")
            }
            try FileManager.default.removeItem(atPath: folder.path("flipped"))
        }
    }

    /// The same over a pickle alone, where no checksum stands in the way.
    @Test(arguments: 0..<8)
    func everyFlippedBitOfThePickleIsSafe(_ bit: Int) throws {
        let archive = TorchArchive.small()
        let pickle = archive.zip.entries[0].data
        for index in pickle.indices {
            var flipped = archive
            flipped.zip.entries[0].data[index] ^= 1 << bit
            do {
                for tensor in try flipped.open().stateDicts.flatMap(\.tensors) {
                    _ = try tensor.withContiguousBytes { $0.count }
                }
            } catch {
                #expect(error is UD2MError)
            }
        }
    }

    @Test(arguments: [false, true])
    func flippedWeightsAreCaughtWhenRead(_ isDeflated: Bool) throws {
        var archive = TorchArchive.small()
        let index = try #require(archive.zip.entries.firstIndex { $0.name == Array("archive/data/0".utf8) })
        let right = archive.zip.entries[index].data.withUnsafeBytes { crc32Checksum($0) }
        archive.zip.entries[index].crc = right
        archive.zip.entries[index].data[5] ^= 0x40
        archive.zip.entries[index].method = isDeflated ? 8 : 0
        let checkpoint = try archive.open()
        for _ in 0..<2 {
            let error = thrownError { try checkpoint.stateDicts[0].tensors[0].floats() }
            #expect(error?.code == .zipChecksum)
            #expect(error?.location.entry == "archive/data/0")
        }
    }

    @Test func deflatedStoragesReadTheSame() throws {
        var archive = TorchArchive.small()
        for index in archive.zip.entries.indices { archive.zip.entries[index].method = 8 }
        #expect(try archive.open().stateDicts[0].tensors[0].floats() == [1, 2, 3, 4, 5, 6])
    }

    /// Of a size that is not held in memory: random access goes through a file without a name, streaming through none.
    @Test func largeDeflatedRecordsReadTheSame() throws {
        let data = [UInt8]((0..<(20 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 7) })
        var zip = ZipBuilder([ZipBuilder.Entry("record", data)])
        zip.entries[0].method = 8
        let folder = try TemporaryDirectory()
        try Data(zip.build()).write(to: URL(filePath: folder.path("large.zip")))
        let archive = try ZipArchive(file: MappedFile(path: folder.path("large.zip")))
        let entry = try #require(archive.entries.first)
        let storage = ZipRecordStorage(
            archive: archive, entry: entry, key: "record", isBigEndian: false, allowMissingCRC: false,
            cache: InflatedRecordCache())
        #expect(try storage.withBytes { Array($0) } == data)
        var streamed: [UInt8] = []
        try storage.stream(0..<data.count, pieceBytes: 3 << 20) { streamed += $0 }
        #expect(streamed == data)
        var part: [UInt8] = []
        try storage.stream(5..<17 << 20, pieceBytes: 1 << 20) { part += $0 }
        #expect(part == Array(data[5..<17 << 20]))
    }

    /// Two threads that read parts of two records in turn must not inflate them again for every part.
    @Test func recordsThatAreKeptAreInflatedOnce() throws {
        var zip = ZipBuilder([ZipBuilder.Entry("a", [1, 2, 3]), ZipBuilder.Entry("b", [4, 5, 6])])
        for index in zip.entries.indices { zip.entries[index].method = 8 }
        let folder = try TemporaryDirectory()
        try Data(zip.build()).write(to: URL(filePath: folder.path("two.zip")))
        let archive = try ZipArchive(file: MappedFile(path: folder.path("two.zip")))
        let cache = InflatedRecordCache()
        let storages = archive.entries.map {
            ZipRecordStorage(
                archive: archive, entry: $0, key: "", isBigEndian: false, allowMissingCRC: false, cache: cache)
        }
        try storages[0].keepingBytes {
            let before = try storages[0].withBytes { $0.baseAddress }
            #expect(try storages[1].withBytes { Array($0) } == [4, 5, 6])
            #expect(try storages[0].withBytes { $0.baseAddress } == before)
        }
    }

    @Test func zip64EntriesReadTheSame() throws {
        var archive = TorchArchive.small()
        archive.zip.hasZip64End = true
        for index in archive.zip.entries.indices { archive.zip.entries[index].isZip64 = true }
        #expect(try archive.open().stateDicts[0].tensors[0].floats() == [1, 2, 3, 4, 5, 6])
    }

    // MARK: Entry rules

    private static let layouts: [(name: String, code: UD2MError.Code?, change: @Sendable (inout ZipBuilder) -> Void)] =
        [
            ("two top folders", .torchLayout, { $0.entries.append(ZipBuilder.Entry("other/data.pkl", [])) }),
            ("a file beside the folder", .torchLayout, { $0.entries.append(ZipBuilder.Entry("readme", [])) }),
            ("no data.pkl", .torchLayout, { $0.entries[0].name = Array("archive/data.pk1".utf8) }),
            ("data.pkl deeper down", .torchLayout, { $0.entries[0].name = Array("archive/x/data.pkl".utf8) }),
            (
                "a decoy deeper down", nil,
                { $0.entries.insert(ZipBuilder.Entry("archive/sub/data.pkl", [0xFF]), at: 0) }
            ),
            ("a Finder decoy", nil, { $0.entries.append(ZipBuilder.Entry("__MACOSX/archive/._data.pkl", [0xFF])) }),
            ("folder entries", nil, { $0.entries.insert(ZipBuilder.Entry("archive/", []), at: 0) }),
            ("records in another order", nil, { $0.entries.reverse() }),
            (
                "a root of dots", .zipUnsafeName,
                { builder in
                    for index in builder.entries.indices {
                        builder.entries[index].name.replaceSubrange(0..<7, with: "..".utf8)
                    }
                }
            ),
            (
                "a root with spaces and accents", nil,
                { builder in
                    for index in builder.entries.indices {
                        builder.entries[index].name.replaceSubrange(0..<7, with: "mon modèle (1).v2".utf8)
                    }
                }
            ),
            ("no version", nil, { $0.entries.removeAll { $0.name == Array("archive/version".utf8) } }),
            ("version 10", nil, { $0.entries[$0.entries.count - 1].data = Array("10\n".utf8) }),
            ("version 11", .torchVersion, { $0.entries[$0.entries.count - 1].data = Array("11\n".utf8) }),
            ("version of letters", .torchVersion, { $0.entries[$0.entries.count - 1].data = Array("x".utf8) }),
            ("unknown byte order", .torchVersion, { $0.entries[1].data = Array("middle".utf8) }),
            ("no byte order", nil, { $0.entries.remove(at: 1) }),
            ("a wrong checksum on data.pkl", .zipChecksum, { $0.entries[0].crc = 5 }),
            ("no entries that count", .torchLayout, { $0.entries = [ZipBuilder.Entry("__MACOSX/x", [])] }),
        ]

    @Test(arguments: 0..<Self.layouts.count)
    func layoutRules(_ index: Int) throws {
        let test = Self.layouts[index]
        var archive = TorchArchive.small()
        test.change(&archive.zip)
        let error = thrownError {
            let values = try archive.open().stateDicts.flatMap(\.tensors).map { try $0.floats() }
            #expect(values == [[1, 2, 3, 4, 5, 6]], "\(test.name)")
        }
        #expect(error?.code == test.code, "\(test.name)")
    }

    @Test func keysAreOpaqueButNoPaths() throws {
        for (key, code) in [("94823263237296", nil), ("a key", nil), ("../x", UD2MError.Code.zipUnsafeName)] {
            let pickle = PickleAssembler()
            pickle.op(.emptyDict).text("w").tensor(key, count: 1, shape: [1], strides: [1]).op(.setItem)
            let archive = TorchArchive(pickle: pickle.stopped, storages: [key: TorchArchive.floats([1])])
            #expect(thrownError { try archive.open() }?.code == code, "\(key)")
        }
    }

    @Test func repeatedKeysKeepTheLastAndSaySo() throws {
        let pickle = PickleAssembler()
        pickle.op(.emptyDict).op(.mark)
        for offset in [0, 1] {
            pickle.text("w").tensor("0", count: 2, offset: offset, shape: [1], strides: [1])
        }
        pickle.op(.setItems)
        let checkpoint = try TorchArchive(pickle: pickle.stopped, storages: ["0": TorchArchive.floats([1, 2])]).open()
        #expect(try checkpoint.stateDicts[0].tensors.map { try $0.floats() } == [[2]])
        #expect(checkpoint.skipped.map(\.path) == [["w"]])
    }

    @Test func unusedStoragesAndMissingVersionsAreRemarked() throws {
        var archive = TorchArchive.small()
        #expect(try archive.open().remarks.isEmpty)
        archive.zip.entries.append(ZipBuilder.Entry("archive/data/1", [1]))
        #expect(try archive.open().remarks.count == 1)
        archive.zip.entries.removeAll { $0.name == Array("archive/version".utf8) }
        #expect(try archive.open().remarks.count == 2)
    }

    @Test func namesAreComparedByBytes() throws {
        let pickle = PickleAssembler()
        pickle.op(.emptyDict).op(.mark)
        // Canonically equivalent, and two names all the same.
        for name in ["\u{E9}", "e\u{301}"] { pickle.text(name).tensor("0", count: 1, shape: [1], strides: [1]) }
        pickle.op(.setItems)
        let checkpoint = try TorchArchive(pickle: pickle.stopped, storages: ["0": TorchArchive.floats([1])]).open()
        #expect(checkpoint.stateDicts[0].tensors.count == 2)
    }
}
