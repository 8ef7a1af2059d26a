import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

@Suite("Writing zip archives")
struct ZipWriterTests {
    /// Writes an archive and gives its path.
    private func write(_ members: [ZipWriter.Member], in folder: TemporaryDirectory, as name: String) throws -> String {
        let writer = try ZipWriter(members)
        let path = folder.path(name)
        let file = try AtomicFile(path: path, byteCount: writer.fileSize)
        try writer.write(to: file)
        try file.commit()
        #expect(try Data(contentsOf: URL(filePath: path)).count == writer.fileSize)
        return path
    }

    @Test("members come back whole, aligned and with the right checksums; the same members give the same bytes")
    func roundTrip() throws {
        var random = SplitMix64(seed: 1)
        let folder = try TemporaryDirectory()
        let contents = [0, 1, 63, 64, 65, 1000, 100_000].map { count in
            (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        let members = contents.enumerated().map {
            ZipWriter.Member(name: "folder/näme \($0.offset)", bytes: $0.element)
        }
        let path = try write(members, in: folder, as: "a.zip")
        let archive = try ZipArchive(file: try MappedFile(path: path))
        #expect(archive.entries.count == contents.count)
        #expect(archive.remarks.isEmpty)
        for (index, bytes) in contents.enumerated() {
            let entry = try #require(archive.entry(named: "folder/näme \(index)".utf8))
            #expect(entry.payloadOffset % ZipWriter.alignment == 0)
            #expect(try archive.contents(of: entry, maximumBytes: 1 << 20) == bytes)
            try archive.verify(entry)
        }
        let again = try write(members, in: folder, as: "b.zip")
        #expect(try Data(contentsOf: URL(filePath: path)) == Data(contentsOf: URL(filePath: again)))
    }

    @Test("an empty archive is one")
    func empty() throws {
        let folder = try TemporaryDirectory()
        let path = try write([], in: folder, as: "empty.zip")
        #expect(try Data(contentsOf: URL(filePath: path)).count == 98)
    }

    @Test("more members than 16 bits count are all found")
    func many() throws {
        let folder = try TemporaryDirectory()
        let path = try write(
            (0..<65_600).map { ZipWriter.Member(name: "\($0)", bytes: []) }, in: folder, as: "many.zip")
        #expect(try ZipArchive(file: try MappedFile(path: path)).entries.count == 65_600)
    }

    @Test("names that readers refuse are refused", arguments: ["", "/a", "../a", "a/../b", "a\\b", "c:x", "a\u{0}b"])
    func names(_ name: String) {
        let error = expectError(.archiveMember) { _ = try ZipWriter([.init(name: name, bytes: [])]) }
        #expect(error?.location.entry == name)
    }

    @Test("a repeated name is refused")
    func repeatedName() {
        expectError(.archiveMember) { _ = try ZipWriter([.init(name: "a", bytes: []), .init(name: "a", bytes: [1])]) }
    }

    @Test("a member that gives another number of bytes than announced leaves no file", arguments: [2, 4])
    func wrongSize(_ given: Int) throws {
        let folder = try TemporaryDirectory()
        let writer = try ZipWriter([
            .init(name: Array("a".utf8), byteCount: 3) { body in
                try [UInt8](repeating: 1, count: given).withUnsafeBytes(body)
            }
        ])
        let error = expectError(.storeTensorBytes) {
            try writer.write(to: try AtomicFile(path: folder.path("a.zip"), byteCount: writer.fileSize))
        }
        #expect(error?.location.entry == "a")
        #expect(try folder.names().isEmpty)
    }
}
