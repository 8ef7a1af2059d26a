import Foundation
import Testing
import UD2MTestSupport

@Suite("ud2m-convert verify")
struct VerifyCommandTests {
    private func convert(in folder: TemporaryDirectory) throws -> String {
        let store = folder.path("prior.ud2w")
        #expect(try BuiltTool("ud2m-convert").run([ToolTest.prior, store, "-q"]).exitCode == 0)
        return store
    }

    private func flip(_ offset: Int, in path: String) throws {
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[offset] ^= 0x04
        try bytes.write(to: URL(filePath: path))
    }

    @Test("whole files are ok at every level")
    func whole() throws {
        let folder = try TemporaryDirectory()
        let store = try convert(in: folder)
        for (arguments, level) in [([], "checksums"), (["--deep"], "digests"), (["--shallow"], "structure")] {
            let report = try CheckpointToolTest.report(["verify", store] + arguments)
            #expect(report["ok"] == .bool(true))
            #expect(report["level"]?.string == level)
        }
        let several = try CheckpointToolTest.report(["verify", store, ToolTest.prior, CheckpointToolTest.types])
        #expect(several["files"]?.array?.count == 3)
        #expect(try BuiltTool("ud2m-convert").run(["verify", store, "--deep", "--shallow"]).exitCode == 64)
    }

    @Test("a flipped bit in a store's tensor is found and located, at its end as well", arguments: [0, 1])
    func damagedStore(_ place: Int) throws {
        let folder = try TemporaryDirectory()
        let store = try convert(in: folder)
        let size = try Data(contentsOf: URL(filePath: store)).count
        let offset = place == 0 ? size / 2 : size - 1
        try flip(offset, in: store)
        for arguments in [[], ["--deep"]] {
            let report = try CheckpointToolTest.report(["verify", store] + arguments, exitCode: 1)
            let mismatches = try #require(report["mismatches"]?.array)
            #expect(mismatches.count == 1)
            let begin = try #require(mismatches.first?.object?["begin"]?.number)
            let end = try #require(mismatches.first?.object?["end"]?.number)
            #expect(begin <= Double(offset) && Double(offset) < end)
            #expect(mismatches.first?.object?["tensor"]?.string != nil)
        }
        #expect(try CheckpointToolTest.report(["verify", store, "--shallow"])["ok"] == .bool(true))
    }

    @Test("a flipped bit in an archive's record is found, in the pickle too")
    func damagedArchive() throws {
        let folder = try TemporaryDirectory()
        let copy = folder.path("copy.pt")
        try FileManager.default.copyItem(atPath: ToolTest.prior, toPath: copy)
        try flip(4_000_000, in: copy)
        let report = try CheckpointToolTest.report(["verify", copy], exitCode: 1)
        #expect(report["mismatches"]?.array?.first?.object?["check"]?.string == "crc32")

        let pickle = folder.path("pickle.pt")
        try FileManager.default.copyItem(atPath: ToolTest.prior, toPath: pickle)
        try flip(2000, in: pickle)
        let second = try CheckpointToolTest.report(["verify", pickle], exitCode: 1)
        let entry = try #require(second["mismatches"]?.array?.first?.object?["entry"]?.string)
        #expect(entry.hasSuffix("/data.pkl"))
    }

    @Test("a damaged header is an error, not a mismatch")
    func damagedHeader() throws {
        let folder = try TemporaryDirectory()
        let store = try convert(in: folder)
        try flip(7, in: store)
        let error = try ToolTest.failure("ud2m-convert", ["verify", store], exitCode: 65)
        #expect(error.object?["location"]?.object?["file"]?.string == store)
    }
}
