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

    /// Reports by the names of the files.
    private func files(_ report: [String: JSONDocument]) throws -> [String: [String: JSONDocument]] {
        var files: [String: [String: JSONDocument]] = [:]
        for file in try #require(report["files"]?.array) {
            let object = try #require(file.object)
            files[String(try #require(object["path"]?.string).split(separator: "/").last ?? "")] = object
        }
        return files
    }

    @Test("every shard of an index or a folder is checked, and reported by itself")
    func shards() throws {
        let folder = try TemporaryDirectory()
        let set = folder.path("set")
        let export = ["export", ToolTest.prior, set, "--max-shard-size", "2MB", "-q"]
        #expect(try BuiltTool("ud2m-convert").run(export).exitCode == 0)
        for path in [set, set + "/model.safetensors.index.json"] {
            let report = try CheckpointToolTest.report(["verify", path])
            #expect(report["ok"] == .bool(true) && report["container"]?.string == "sharded")
            #expect(try files(report).count == 5)
        }
        try FileManager.default.removeItem(atPath: set + "/model-00002-of-00004.safetensors")
        let cut = URL(filePath: set + "/model-00003-of-00004.safetensors")
        try Data(contentsOf: cut).dropLast().write(to: cut)
        for arguments in [[], ["--shallow"]] {
            let report = try CheckpointToolTest.report(["verify", set] + arguments, exitCode: 1)
            let found = try files(report)
            #expect(found.filter { $0.value["ok"] == .bool(false) }.count == 2)
            func code(_ name: String) -> String? { found[name]?["error"]?.object?["code"]?.string }
            #expect(code("model-00002-of-00004.safetensors") == "file-missing")
            #expect(code("model-00003-of-00004.safetensors") == "safetensors-data-outside")
        }
        #expect(try BuiltTool("ud2m-convert").run(["verify", set, "-q"]).text.contains("DAMAGED"))
    }

    @Test("digests of stores and checksums of archives among the shards are compared")
    func damagedShards() throws {
        let folder = try TemporaryDirectory()
        let store = try convert(in: folder)
        let archive = folder.path("b.bin")
        try FileManager.default.copyItem(atPath: ToolTest.fixture("checkpoints/zip-small.pt"), toPath: archive)
        let names = try CheckpointToolTest.digests(archive).keys.sorted()
        let map = ["\"out.2.bias\": \"prior.ud2w\""] + names.map { "\"\($0)\": \"b.bin\"" }
        let index = folder.path("model.safetensors.index.json")
        try Data("{\"weight_map\": {\(map.joined(separator: ", "))}}".utf8).write(to: URL(filePath: index))
        let sound = try CheckpointToolTest.report(["verify", index, "--deep"])
        #expect(sound["ok"] == .bool(true) && sound["level"]?.string == "checksums")
        try flip(try Data(contentsOf: URL(filePath: store)).count - 1, in: store)
        let bytes = try Data(contentsOf: URL(filePath: archive))
        try flip(try #require(bytes.range(of: Data("little".utf8))?.lowerBound), in: archive)
        let found = try files(try CheckpointToolTest.report(["verify", index], exitCode: 1))
        #expect(found["prior.ud2w"]?["mismatches"]?.array?.first?.object?["check"]?.string == "xxh64")
        #expect(found["b.bin"]?["ok"] == .bool(false))
    }

    @Test("every archive of a distributed checkpoint is checked")
    func distributed() throws {
        let folder = try TemporaryDirectory()
        let copy = folder.path("dcp")
        try FileManager.default.copyItem(atPath: ToolTest.fixture("checkpoints/dcp-tiled"), toPath: copy)
        let sound = try CheckpointToolTest.report(["verify", copy])
        #expect(sound["ok"] == .bool(true) && sound["level"]?.string == "checksums")
        #expect(try files(sound).count == 4)
        let first = copy + "/__0_0.distcp"
        let bytes = try Data(contentsOf: URL(filePath: first))
        let offset = try #require(bytes.range(of: Data("data.pkl".utf8))?.upperBound) + 60
        try flip(offset, in: first)
        let report = try CheckpointToolTest.report(["verify", copy], exitCode: 1)
        let mismatch = try #require(try files(report)["__0_0.distcp"]?["mismatches"]?.array?.first?.object)
        #expect(mismatch["check"]?.string == "crc32")
        #expect(try #require(mismatch["begin"]?.number) <= Double(offset))
        #expect(try #require(mismatch["end"]?.number) > Double(offset))
        try FileManager.default.removeItem(atPath: copy + "/__1_0.distcp")
        let missing = try files(try CheckpointToolTest.report(["verify", copy], exitCode: 1))
        #expect(missing["__1_0.distcp"]?["error"]?.object?["code"]?.string == "file-missing")
        #expect(missing["__2_0.distcp"]?["ok"] == .bool(true))
    }

    @Test("a folder without a checkpoint that spans it is an error")
    func plainFolder() throws {
        let folder = try TemporaryDirectory()
        _ = try ToolTest.failure("ud2m-convert", ["verify", folder.path("")], exitCode: 66)
    }
}
