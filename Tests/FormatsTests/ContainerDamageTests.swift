import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// Truncated and flipped files of the other containers: an error of ours or a description, and never a trap.
@Suite struct ContainerDamageTests {
    private static let names = [
        "legacy-protocol2.pt", "legacy-protocol4.pt", "legacy-view-metadata.pt", "legacy-module-source.pt",
        "tar-text.pth", "tar-views.pth", "script.pt", "package-two.pt", "export.pt2", "export-first.pt2", "array.npy",
        "array-v3.npy", "arrays.npz", "arrays-deflated.npz", "zip-quantised.pt", "zip-sparse.pt", "zip-nested.pt",
        "zip-2017.pt", "zip-device-numpy2.pt", "zip-device-numpy5.pt", "zip-jagged.pt", "all.safetensors",
    ]
    /// Changes of one file; more would find more, and take longer.
    private static let attempts = 400

    private static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: CheckpointFixtureTests.folder.appending(path: name)))
    }

    private static func readAll(_ path: String) throws {
        let checkpoint = try Checkpoint.open(path: path, allowMissingCRC: true)
        for tensor in checkpoint.stateDicts.flatMap(\.tensors) + checkpoint.looseTensors {
            _ = try tensor.withContiguousBytes { $0.count }
        }
    }

    private static func check(_ bytes: [UInt8], _ comment: Comment, in folder: TemporaryDirectory) throws {
        let path = folder.path("damaged")
        try Data(bytes).write(to: URL(filePath: path))
        do {
            try readAll(path)
        } catch {
            #expect(error is UD2MError, comment)
        }
    }

    @Test("cut short anywhere", arguments: names)
    func truncated(_ name: String) throws {
        let folder = try TemporaryDirectory()
        let whole = try Self.bytes(name)
        for count in stride(from: 0, to: whole.count, by: max(1, whole.count / Self.attempts)) {
            try Self.check(Array(whole[..<count]), "\(count) bytes of \(name)", in: folder)
        }
    }

    /// The file has its size from the start, and was filled up to some byte.
    @Test(
        "ending in zeros, with a hint at the download",
        arguments: [
            ("arrays-protocol2.pkl", 0.5), ("arrays-protocol5.pkl", 0.5), ("legacy-aliases.pt", 0.2),
            ("legacy-aliases.pt", 0.9), ("zip-small.pt", 0.5), ("array.npy", 0.2), ("all.safetensors", 0.01),
        ])
    func zeroTail(_ name: String, _ part: Double) throws {
        let folder = try TemporaryDirectory()
        var bytes = try Self.bytes(name)
        for index in Int(Double(bytes.count) * part)..<bytes.count { bytes[index] = 0 }
        let path = try folder.write(bytes, as: "zeros")
        let error = thrownError { try Checkpoint.open(path: path) }
        let words = error.map { "\($0)".lowercased() } ?? ""
        #expect(words.contains("incomplete"), "\(name): \(words)")
    }

    @Test("a pickle cut short says that the download may be incomplete")
    func cutPickle() throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write(try Self.bytes("arrays-protocol2.pkl").dropLast(20), as: "cut.pkl")
        let error = thrownError { try Checkpoint.open(path: path) }
        #expect(error?.code == .pickleTruncated && error?.remedy?.contains("incomplete download") == true)
    }

    /// Legacy streams, tars and arrays have no checksums, so every change reaches their readers.
    @Test("with one byte changed", arguments: names)
    func flipped(_ name: String) throws {
        let folder = try TemporaryDirectory()
        let whole = try Self.bytes(name)
        var generator = SplitMix64(seed: name.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) })
        for _ in 0..<Self.attempts {
            var bytes = whole
            let index = Int(generator.next() % UInt64(bytes.count))
            bytes[index] = UInt8(truncatingIfNeeded: generator.next())
            try Self.check(bytes, "byte \(index) of \(name)", in: folder)
        }
    }

    /// The pickles inside an archive, changed behind a right checksum.
    @Test("with one byte of a pickle changed", arguments: names.filter { $0.hasPrefix("zip-") })
    func flippedPickles(_ name: String) throws {
        let path = CheckpointFixtureTests.folder.appending(path: name).path(percentEncoded: false)
        let archive = try ZipArchive(file: MappedFile(path: path))
        var zip = ZipBuilder([])
        for entry in archive.entries {
            zip.entries.append(
                ZipBuilder.Entry(entry.displayName, try archive.contents(of: entry, maximumBytes: 1 << 20)))
        }
        let pickle = try #require(zip.entries.firstIndex { $0.name.suffix(8).elementsEqual("data.pkl".utf8) })
        let folder = try TemporaryDirectory()
        var generator = SplitMix64(seed: 7)
        for _ in 0..<Self.attempts {
            var changed = zip
            let index = Int(generator.next() % UInt64(changed.entries[pickle].data.count))
            changed.entries[pickle].data[index] = UInt8(truncatingIfNeeded: generator.next())
            try Self.check(changed.build(), "byte \(index) of the pickle of \(name)", in: folder)
        }
    }

    /// The metadata of a distributed checkpoint, changed.
    @Test("distributed metadata with one byte changed", arguments: ["dcp", "dcp-tiled"])
    func distributed(_ name: String) throws {
        let folder = try TemporaryDirectory()
        let source = CheckpointFixtureTests.folder.appending(path: name)
        for file in try FileManager.default.contentsOfDirectory(atPath: source.path(percentEncoded: false)) {
            try FileManager.default.copyItem(at: source.appending(path: file), to: folder.url.appending(path: file))
        }
        let metadata = folder.url.appending(path: ".metadata")
        let whole = Array(try Data(contentsOf: metadata))
        var generator = SplitMix64(seed: 11)
        for _ in 0..<Self.attempts {
            var bytes = whole
            let index = Int(generator.next() % UInt64(bytes.count))
            bytes[index] = UInt8(truncatingIfNeeded: generator.next())
            try Data(bytes).write(to: metadata)
            do {
                try Self.readAll(folder.url.path(percentEncoded: false))
            } catch {
                #expect(error is UD2MError, "byte \(index) of \(name)/.metadata")
            }
        }
    }
}
