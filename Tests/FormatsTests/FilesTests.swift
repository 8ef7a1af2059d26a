import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

@Suite struct MappedFileTests {
    @Test func mapsBytes() throws {
        let folder = try TemporaryDirectory()
        let file = try MappedFile(path: folder.write([1, 2, 3], as: "f"))
        #expect(Array(file.bytes) == [1, 2, 3])
        file.advise(.sequential)
        file.advise(.random, range: 1..<2)
        try file.checkUnchanged()
        let empty = try MappedFile(path: folder.write([], as: "empty"))
        #expect(empty.count == 0)
        empty.advise(.willNeed)
    }

    @Test func refusesWhatIsNoFile() throws {
        let folder = try TemporaryDirectory()
        let missing = expectError(.fileMissing) { _ = try MappedFile(path: folder.path("none")) }
        #expect(missing?.location.file == folder.path("none"))
        expectError(.fileMissing) { _ = try MappedFile(path: "a\u{0}b") }
        expectError(.fileNotRegular) { _ = try MappedFile(path: folder.path("")) }
        expectError(.fileNotRegular) { _ = try MappedFile(path: "/dev/null") }
        // Opening a pipe that nobody writes to must not wait.
        #expect(mkfifo(folder.path("pipe"), 0o600) == 0)
        expectError(.fileNotRegular) { _ = try MappedFile(path: folder.path("pipe")) }
    }

    @Test func noticesChanges() throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write([1, 2, 3], as: "f")
        let file = try MappedFile(path: path)
        let handle = try FileHandle(forWritingTo: URL(filePath: path))
        try handle.truncate(atOffset: 1)
        let error = expectError(.fileChanged) { try file.checkUnchanged() }
        #expect(error?.location.file == path)

        let second = try MappedFile(path: path)
        try FileManager.default.removeItem(atPath: path)
        _ = try folder.write([9], as: "f")
        expectError(.fileChanged) { try second.checkUnchanged() }
    }

    @Test func storageStaysInsideTheFile() throws {
        let folder = try TemporaryDirectory()
        let file = try MappedFile(path: folder.write([1, 2, 3], as: "f"))
        let storage = try MappedStorage(file: file, range: 1..<3, key: "k")
        #expect(try storage.withBytes { Array($0) } == [2, 3])
        expectError(.fileRangeOutside) { _ = try MappedStorage(file: file, range: 1..<4, key: "k") }
    }
}

@Suite struct AtomicFileTests {
    func write(_ text: String, to path: String, overwrite: Bool = false, inputs: [String] = [], avoidsUnnamed: Bool)
        throws
    {
        let file = try AtomicFile(
            path: path, byteCount: text.utf8.count, overwrite: overwrite, inputs: inputs, avoidsUnnamed: avoidsUnnamed)
        try Array(text.utf8).withUnsafeBytes { try file.write($0, at: 0) }
        try file.commit()
    }

    @Test(arguments: [false, true]) func appearsWhenCommitted(avoidsUnnamed: Bool) throws {
        let folder = try TemporaryDirectory()
        let path = folder.path("out")
        do {
            let file = try AtomicFile(path: path, byteCount: 4, avoidsUnnamed: avoidsUnnamed)
            try [UInt8]([1, 2, 3, 4]).withUnsafeBytes { try file.write($0, at: 0) }
            #expect(!FileManager.default.fileExists(atPath: path))
            // Without a name there is nothing that even SIGKILL could leave behind.
            #expect(try folder.names().isEmpty == file.isUnnamed)
            #if os(Linux)
                #expect(file.isUnnamed == !avoidsUnnamed)
            #endif
            try file.commit()
        }
        #expect(try folder.names() == ["out"])
        #expect(try Data(contentsOf: URL(filePath: path)) == Data([1, 2, 3, 4]))
    }

    @Test(arguments: [false, true]) func leavesNothingWhenAbandoned(avoidsUnnamed: Bool) throws {
        let folder = try TemporaryDirectory()
        do { _ = try AtomicFile(path: folder.path("out"), byteCount: 4, avoidsUnnamed: avoidsUnnamed) }
        #expect(try folder.names().isEmpty)
    }

    @Test(arguments: [false, true]) func replacesOnlyWhenAllowed(avoidsUnnamed: Bool) throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write(Array("old".utf8), as: "out")
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
        let old = try MappedFile(path: path)
        let error = expectError(.outputExists) { try write("new", to: path, avoidsUnnamed: avoidsUnnamed) }
        #expect(error?.location.file == path)
        #expect(try Data(contentsOf: URL(filePath: path)) == Data("old".utf8))
        try write("newer", to: path, overwrite: true, avoidsUnnamed: avoidsUnnamed)
        #expect(try Data(contentsOf: URL(filePath: path)) == Data("newer".utf8))
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o640)
        #expect(try folder.names() == ["out"])
        // Whoever had the old file open still reads it.
        #expect(Array(old.bytes) == Array("old".utf8))
    }

    @Test(arguments: [false, true]) func losesTheRaceForAName(avoidsUnnamed: Bool) throws {
        let folder = try TemporaryDirectory()
        let file = try AtomicFile(path: folder.path("out"), byteCount: 0, avoidsUnnamed: avoidsUnnamed)
        _ = try folder.write([1], as: "out")
        expectError(.outputExists) { try file.commit() }
        #expect(try Data(contentsOf: URL(filePath: folder.path("out"))) == Data([1]))
    }

    @Test func refusesInputsAndOddities() throws {
        let folder = try TemporaryDirectory()
        let input = try folder.write([1], as: "in")
        #expect(link(input, folder.path("hard")) == 0)
        #expect(symlink(input, folder.path("soft")) == 0)
        for path in [input, folder.path("hard"), folder.path("soft")] {
            expectError(.outputIsInput) {
                try write("x", to: path, overwrite: true, inputs: [input], avoidsUnnamed: false)
            }
        }
        expectError(.outputIsLink) { try write("x", to: folder.path("soft"), overwrite: true, avoidsUnnamed: false) }
        expectError(.outputNotRegular) { try write("x", to: "/dev/null", overwrite: true, avoidsUnnamed: false) }
        for path in ["", "a/", ".", "..", "a\u{0}b"] {
            expectError(.outputCannotCreate) { try write("x", to: path, avoidsUnnamed: false) }
        }
        expectError(.outputCannotCreate) { try write("x", to: folder.path("none/out"), avoidsUnnamed: false) }
        #expect(try Data(contentsOf: URL(filePath: input)) == Data([1]))
    }

    @Test func aFullDiskIsNoticedFirst() throws {
        let folder = try TemporaryDirectory()
        let error = expectError(.outputNoSpace) {
            _ = try AtomicFile(path: folder.path("out"), byteCount: 1 << 60)
        }
        #expect(error?.location.file == folder.path("out"))
        #expect(try folder.names().isEmpty)
    }

    @Test func signalHandlersKnowTemporaries() throws {
        // Removing them all is left to the commands' tests: here it would disturb tests that run at the same time.
        let folder = try TemporaryDirectory()
        do {
            let file = try AtomicFile(path: folder.path("out"), byteCount: 4, avoidsUnnamed: true)
            let name = try #require(try folder.names().first)
            #expect(TemporaryFiles.paths.contains(folder.path(name)))
            _ = file
        }
        #expect(!TemporaryFiles.paths.contains { $0.hasPrefix(folder.path("")) })
    }
}
