import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// Commands over many files: patterns, folders for what they write, and items that fail.
@Suite("many inputs")
struct BatchCommandTests {
    private let folder: TemporaryDirectory
    private let tool: BuiltTool

    init() throws {
        folder = try TemporaryDirectory()
        tool = try BuiltTool("ud2m-convert")
        for name in ["a.pt", "b.pt"] {
            try FileManager.default.copyItem(atPath: ToolTest.prior, toPath: folder.path(name))
        }
    }

    private func files(_ arguments: [String], exitCode: Int32 = 0) throws -> [[String: JSONDocument]] {
        let report = try CheckpointToolTest.report(arguments, exitCode: exitCode)
        return try #require(report["files"]?.array).map { try #require($0.object) }
    }

    @Test("patterns and lists are expanded by the tool", arguments: ["inspect", "scan", "verify", "ls", "stat"])
    func describing(_ command: String) throws {
        for inputs in [["*.pt"], ["a.pt", "b.pt"], ["a.pt", "*.pt"]] {
            let reports = try files([command] + inputs.map(folder.path))
            #expect(reports.compactMap { $0["path"]?.string } == [folder.path("a.pt"), folder.path("b.pt")])
        }
        let text = try tool.run([command, folder.path("*.pt")]).text
        #expect(text.contains("a.pt:") && text.contains("b.pt:"))
    }

    @Test(
        "a pattern that matches nothing is a failed item, and the others are done",
        arguments: ["inspect", "scan", "verify", "ls", "stat"])
    func unmatched(_ command: String) throws {
        let arguments = [command, folder.path("nothing*"), folder.path("a*")]
        let reports = try files(arguments, exitCode: 3)
        #expect(reports.first?["error"]?.object?["code"]?.string == "input-pattern")
        #expect(reports.first?["path"]?.string == folder.path("nothing*"))
        #expect(reports.last?["path"]?.string == folder.path("a.pt"))
        let text = try tool.run(arguments)
        #expect(text.exitCode == 3 && text.errorText.contains("nothing*") && text.text.contains("a.pt"))
        let error = try ToolTest.failure("ud2m-convert", [command, folder.path("x*"), folder.path("y*")], exitCode: 66)
        #expect(error.object?["code"]?.string == "input-pattern")
    }

    @Test("stores of several checkpoints go into a new folder under their names")
    func converting() throws {
        for arguments in [[folder.path("*.pt")], [folder.path("a.pt"), folder.path("b.pt")]] {
            let output = folder.path("out/")
            let dry = try files(["convert"] + arguments + [output, "--dry-run"])
            #expect(dry.count == 2 && !FileManager.default.fileExists(atPath: output))
            let reports = try files(["convert"] + arguments + [output])
            #expect(
                reports.compactMap { $0["output"]?.object?["path"]?.string } == [output + "a.ud2w", output + "b.ud2w"])
            #expect(try WeightStore(path: output + "b.ud2w").names.count == 270)
            try FileManager.default.removeItem(atPath: output)
        }
    }

    @Test("what cannot be converted does not stop the others, and what stands there stays")
    func failures() throws {
        try Data("nothing".utf8).write(to: URL(filePath: folder.path("b.pt")))
        let (inputs, output) = (folder.path("?.pt"), folder.path("out/"))
        let reports = try files(["convert", inputs, output], exitCode: 3)
        #expect(reports.first?["output"]?.object?["written"] == .bool(true))
        #expect(reports.last?["error"]?.object?["code"]?.string == "container-unknown")
        // Now the first exists, and nothing is done: the first failure says why.
        let again = try files(["convert", inputs, output], exitCode: 73)
        #expect(again.first?["error"]?.object?["code"]?.string == "output-exists")
        // A folder that nothing went into is not left behind.
        _ = try files(["convert", folder.path("b*"), folder.path("empty/")], exitCode: 65)
        #expect(try folder.names() == ["a.pt", "b.pt", "out"])
    }

    @Test("exports of several go into a folder in the format that is named, shards into a folder each")
    func exporting() throws {
        let inputs = folder.path("*.pt")
        try FileManager.default.createDirectory(atPath: folder.path("out"), withIntermediateDirectories: false)
        for (format, names) in [
            ("npz", ["a.npz", "b.npz"]), ("safetensors", ["a.safetensors", "b.safetensors"]), ("sharded", ["a", "b"]),
        ] {
            let reports = try files(["export", inputs, folder.path("out"), "--format", format])
            #expect(reports.allSatisfy { $0["written"] == .bool(true) })
            let written = try FileManager.default.contentsOfDirectory(atPath: folder.path("out"))
            #expect(Set(written).isSuperset(of: names), "\(written)")
        }
        let half = try files(["cast", inputs, folder.path("half/"), "--dtype", "f16", "--format", "ud2w"])
        #expect(half.count == 2)
        #expect(try tool.run(["export", inputs, folder.path("out")]).exitCode == 64)
    }

    @Test("several inputs need a folder, and names of their own")
    func refused() throws {
        let file = ["convert", folder.path("a.pt"), folder.path("b.pt"), folder.path("out.ud2w")]
        #expect(try ToolTest.failure("ud2m-convert", file, exitCode: 64).object?["code"]?.string == "output-folder")
        try FileManager.default.copyItem(atPath: ToolTest.prior, toPath: folder.path("a.ckpt"))
        let same = ["convert", folder.path("a.*"), folder.path("out/")]
        #expect(
            try ToolTest.failure("ud2m-convert", same, exitCode: 64).object?["code"]?.string == "output-named-twice")
        #expect(try tool.run(["export", folder.path("a.pt")]).exitCode == 64)
        #expect(try folder.names() == ["a.ckpt", "a.pt", "b.pt"])
    }
}
