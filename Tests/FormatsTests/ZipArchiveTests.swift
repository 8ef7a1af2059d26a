import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// The rules of `formats.md` §2.3, each obeyed and each broken.
@Suite struct ZipArchiveTests {
    private static func archive(_ bytes: [UInt8], limits: Limits = .standard) throws -> ZipArchive {
        let folder = try TemporaryDirectory()
        let path = folder.path("zip")
        try Data(bytes).write(to: URL(filePath: path))
        return try withExtendedLifetime(folder) { try ZipArchive(file: MappedFile(path: path), limits: limits) }
    }

    private static func two() -> ZipBuilder {
        ZipBuilder([ZipBuilder.Entry("r/a", [1, 2, 3]), ZipBuilder.Entry("r/b", Array("hello".utf8))])
    }

    private static func contents(_ archive: ZipArchive, _ name: String) throws -> [UInt8] {
        let entry = try #require(archive.entry(named: name.utf8))
        return try archive.contents(of: entry, maximumBytes: 1 << 20)
    }

    // MARK: Honest archives

    private static let honest: [(name: String, change: @Sendable (inout ZipBuilder) -> Void)] = [
        ("plain", { _ in }),
        ("zip64 end record as PyTorch writes it", { $0.hasZip64End = true }),
        ("zip64 fields in the headers", { $0.entries[0].isZip64 = true }),
        ("descriptor", { $0.entries[0].hasDescriptor = true }),
        (
            "descriptor of 64 bits",
            {
                $0.entries[0].hasDescriptor = true; $0.entries[0].hasWideDescriptor = true
            }
        ),
        (
            "descriptor without signature",
            {
                $0.entries[0].hasDescriptor = true
                $0.entries[0].hasDescriptorSignature = false
            }
        ),
        ("padding in the local header only", { $0.entries[1].padding = 40 }),
        ("deflated", { $0.entries[1].method = 8 }),
        ("comment", { $0.comment = Array("a comment".utf8) }),
    ]

    @Test(arguments: 0..<Self.honest.count)
    func reads(_ index: Int) throws {
        var builder = Self.two()
        Self.honest[index].change(&builder)
        let archive = try Self.archive(builder.build())
        #expect(archive.entries.map(\.displayName) == ["r/a", "r/b"])
        #expect(try Self.contents(archive, "r/a") == [1, 2, 3])
        #expect(try Self.contents(archive, "r/b") == Array("hello".utf8))
        #expect(archive.remarks.isEmpty)
    }

    @Test func payloadOffsetFollowsFromTheLocalHeader() throws {
        var builder = Self.two()
        builder.entries[0].padding = 17
        let archive = try Self.archive(builder.build())
        #expect(archive.entries[0].payloadRange == (30 + 3 + 4 + 17)..<(30 + 3 + 4 + 17 + 3))
    }

    /// Local headers are read a kibibyte at a time: what is longer, or lies across the end of one read, must not matter.
    @Test(arguments: [0, 900, 990, 1_020, 5_000, 60_000])
    func headersOfAnyLengthAndDistance(_ size: Int) throws {
        let data = (0..<5).map { [UInt8](repeating: UInt8($0), count: size + $0) }
        var builder = ZipBuilder((0..<5).map { ZipBuilder.Entry("r/\($0)", data[$0]) })
        for (index, padding) in [0, size, 1_000, 7, 65_000].enumerated() { builder.entries[index].padding = padding }
        for index in [1, 2] { builder.entries[index].hasDescriptor = true }
        for index in [3, 4] { builder.entries[index].isZip64 = true }
        let bytes = builder.build()
        let archive = try Self.archive(bytes)
        for index in 0..<5 { #expect(try Self.contents(archive, "r/\(index)") == data[index]) }
        #expect(archive.remarks.isEmpty)
        // The same archive as a part of a larger file.
        let folder = try TemporaryDirectory()
        let path = folder.path("larger")
        try Data([1, 2, 3] + bytes + [4, 5]).write(to: URL(filePath: path))
        let part = try ZipArchive(file: MappedFile(path: path), range: 3..<3 + bytes.count)
        for index in 0..<5 { #expect(try Self.contents(part, "r/\(index)") == data[index]) }
    }

    // MARK: Refusals

    private static let refused:
        [(name: String, code: UD2MError.Code, entry: String?, change: @Sendable (inout ZipBuilder) -> Void)] = [
            ("bytes before the first entry", .zipPrefix, nil, { $0.prefix = [0x50, 0x4B, 0x03, 0x04] }),
            (
                "an end record in the comment", .zipEndAmbiguous, nil,
                {
                    $0.comment = [0x50, 0x4B, 0x05, 0x06] + [UInt8](repeating: 0, count: 18)
                }
            ),
            ("count too small", .zipDirectoryMalformed, nil, { $0.declaredCount = 1 }),
            ("count too large", .zipDirectoryMalformed, nil, { $0.declaredCount = 3 }),
            ("count far too large", .zipDirectoryMalformed, nil, { $0.declaredCount = 60_000 }),
            ("directory size too small", .zipEndInconsistent, nil, { $0.directorySizeError = -1 }),
            ("directory size too large", .zipEndInconsistent, nil, { $0.directorySizeError = 1 }),
            ("encrypted", .zipEncrypted, "r/a", { $0.entries[0].flags |= 1 }),
            ("strongly encrypted", .zipEncrypted, "r/a", { $0.entries[0].flags |= 0x40 }),
            ("masked headers", .zipEncrypted, "r/a", { $0.entries[0].flags |= 0x2000 }),
            ("method 12 (bzip2)", .zipMethodUnsupported, "r/a", { $0.entries[0].method = 12 }),
            ("another local name", .zipHeaderMismatch, "r/a", { $0.entries[0].localName = Array("r/x".utf8) }),
            ("a longer local name", .zipHeaderMismatch, "r/a", { $0.entries[0].localName = Array("r/a2".utf8) }),
            ("another local method", .zipHeaderMismatch, "r/a", { $0.entries[0].localMethod = 8 }),
            ("stored with two sizes", .zipHeaderMismatch, "r/a", { $0.entries[0].declaredSize = 4 }),
            (
                "another compressed size", .zipHeaderMismatch, "r/b",
                {
                    $0.entries[1].method = 8
                    $0.entries[1].declaredCompressedSize = 3
                }
            ),
            (
                "a descriptor that lies", .zipDescriptorMismatch, "r/a",
                {
                    $0.entries[0].hasDescriptor = true
                    $0.entries[0].descriptorCRC = 7
                }
            ),
            ("an offset into nowhere", .zipHeaderMismatch, "r/b", { $0.entries[1].declaredOffset = 5 }),
            ("an offset beyond the directory", .zipEntryOutside, "r/b", { $0.entries[1].declaredOffset = 1 << 30 }),
            (
                "data beyond the directory", .zipEntryOutside, "r/b",
                {
                    $0.entries[1].declaredCompressedSize = 1 << 30
                    $0.entries[1].declaredSize = 1 << 30
                }
            ),
            (
                "two entries, one payload", .zipOverlap, "r/a",
                {
                    $0.entries[1].declaredOffset = 0
                    $0.entries[1].name = Array("r/a".utf8)
                    $0.entries[1].data = $0.entries[0].data
                }
            ),
            ("a name twice", .zipDuplicateName, "r/a", { $0.entries[1].name = Array("r/a".utf8) }),
        ]

    @Test(arguments: 0..<Self.refused.count)
    func refuses(_ index: Int) {
        let test = Self.refused[index]
        var builder = Self.two()
        test.change(&builder)
        let error = thrownError { try Self.archive(builder.build()) }
        #expect(error?.code == test.code, "\(test.name)")
        #expect(error?.location.entry == test.entry, "\(test.name)")
        #expect(error?.location.byteOffset != nil, "\(test.name)")
        #expect(error?.location.file != nil)
    }

    @Test func zip64EndMustAgreeWithTheClassicOne() {
        var builder = Self.two()
        builder.hasZip64End = true
        var bytes = builder.build()
        // The entry count of the zip64 record, which ends 22 + 20 bytes before the file does.
        let record = bytes.count - 22 - 20 - 56
        bytes[record + 32] = 3
        bytes[record + 24] = 3
        #expect(thrownError { try Self.archive(bytes) }?.code == .zipEndInconsistent)
    }

    @Test func zip64LocatorMustLeadToItsRecord() {
        var builder = Self.two()
        builder.hasZip64End = true
        var bytes = builder.build()
        bytes[bytes.count - 22 - 20 + 8] ^= 1
        #expect(thrownError { try Self.archive(bytes) }?.code == .zipEndInconsistent)
    }

    @Test func partsOfAnArchiveAreRefused() {
        var bytes = Self.two().build()
        bytes[bytes.count - 22 + 4] = 1
        #expect(thrownError { try Self.archive(bytes) }?.code == .zipMultiDisk)
    }

    @Test func namesAndEntriesAreLimited() {
        var limits = Limits()
        limits.archiveEntries = 1
        #expect(thrownError { try Self.archive(Self.two().build(), limits: limits) }?.code == .zipLimit)
        limits = Limits()
        limits.nameBytes = 2
        #expect(thrownError { try Self.archive(Self.two().build(), limits: limits) }?.code == .zipLimit)
        limits = Limits()
        limits.archiveDirectoryBytes = 50
        #expect(thrownError { try Self.archive(Self.two().build(), limits: limits) }?.code == .zipLimit)
    }

    // MARK: Payloads

    private static let badPayloads:
        [(name: String, code: UD2MError.Code, change: @Sendable (inout ZipBuilder.Entry) -> Void)] = [
            ("a flipped bit", .zipChecksum, { $0.crc = 1 }),
            ("no checksum", .zipChecksum, { $0.crc = 0 }),
            (
                "inflates to more", .zipInflateFailed,
                {
                    $0.method = 8; $0.declaredSize = 4
                }
            ),
            (
                "inflates to fewer", .zipInflateFailed,
                {
                    $0.method = 8; $0.declaredSize = 6
                }
            ),
            (
                "bytes after the stream", .zipInflateFailed,
                {
                    $0.payload = ZipBuilder.deflateStored($0.data) + [0]
                    $0.method = 8
                }
            ),
            (
                "no deflate stream", .zipInflateFailed,
                {
                    $0.payload = [0xFF, 0xFF, 0xFF]; $0.method = 8
                }
            ),
            (
                "an unfinished stream", .zipInflateFailed,
                {
                    $0.payload = [0x00]; $0.method = 8
                }
            ),
            (
                "a bomb on paper", .zipBomb,
                {
                    $0.method = 8; $0.declaredSize = 1 << 30
                }
            ),
            (
                "more than deflate can", .zipBomb,
                {
                    $0.method = 8; $0.declaredSize = 500_000
                }
            ),
        ]

    @Test(arguments: 0..<Self.badPayloads.count)
    func refusesPayload(_ index: Int) throws {
        let test = Self.badPayloads[index]
        var builder = Self.two()
        test.change(&builder.entries[1])
        let archive = try Self.archive(builder.build())
        let error = thrownError { try Self.contents(archive, "r/b") }
        #expect(error?.code == test.code, "\(test.name)")
        #expect(error?.location.entry == "r/b")
        #expect(try Self.contents(archive, "r/a") == [1, 2, 3])
    }

    @Test func missingChecksumsPassOnRequestOnly() throws {
        var builder = Self.two()
        builder.entries[1].crc = 0
        let archive = try Self.archive(builder.build())
        let entry = try #require(archive.entry(named: "r/b".utf8))
        #expect(try archive.contents(of: entry, maximumBytes: 99, allowMissingCRC: true) == Array("hello".utf8))
        builder.entries[1].crc = 5
        let wrong = try Self.archive(builder.build())
        let wrongEntry = try #require(wrong.entry(named: "r/b".utf8))
        #expect(
            thrownError { try wrong.contents(of: wrongEntry, maximumBytes: 99, allowMissingCRC: true) }?.code
                == .zipChecksum)
    }

    // MARK: Names

    @Test(arguments: [
        ("r/a", true), ("r/a..b", true), ("../a", false), ("r/../a", false), ("r/..", false), ("/r/a", false),
        ("r\\a", false), ("C:/a", false), ("c:a", false), ("r/a\0.pkl", false), ("", false),
    ])
    func plainNamesAreKnown(_ name: String, _ isPlain: Bool) throws {
        let archive = try Self.archive(ZipBuilder([ZipBuilder.Entry(name, [1])]).build())
        #expect(archive.entries[0].hasPlainName == isPlain)
        #expect(archive.remarks.isEmpty == isPlain)
    }

    @Test func caseTwinsAndGapsAreRemarked() throws {
        let twins = ZipBuilder([ZipBuilder.Entry("r/a", [1]), ZipBuilder.Entry("R/A", [2])])
        #expect(try Self.archive(twins.build()).remarks.count == 1)
        var gap = Self.two()
        gap.hiddenEntries = [ZipBuilder.Entry("r/hidden", [9])]
        let archive = try Self.archive(gap.build())
        #expect(archive.entries.count == 2)
        #expect(archive.remarks.count == 1)
    }

    /// 100,000 entries; quadratic checks would take minutes.
    @Test(.timeLimit(.minutes(1)))
    func manyEntriesTakeLittleTime() throws {
        let entries = (0..<100_000).map { ZipBuilder.Entry("r/\($0)", []) }
        var builder = ZipBuilder(entries)
        builder.hasZip64End = true
        let archive = try Self.archive(builder.build())
        #expect(archive.entries.count == 100_000)
        #expect(archive.entry(named: "r/99999".utf8) != nil)
    }
}
