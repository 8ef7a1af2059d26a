import Foundation
import Testing
import UD2MTestSupport

@Suite("ud2m-convert scan")
struct ScanCommandTests {
    @Test(
        "verdicts and exit codes",
        arguments: [
            ("types", "clean", Int32(0), 0), ("unknown-class", "clean", 0, 1), ("suspicious", "suspicious", 1, 1),
            ("dangerous", "dangerous", 77, 1),
        ])
    func verdicts(_ name: String, _ verdict: String, _ exitCode: Int32, _ findings: Int) throws {
        let report = try CheckpointToolTest.report(
            ["scan", ToolTest.fixture("tools/\(name).pt")], exitCode: exitCode)
        #expect(report["verdict"]?.string == verdict)
        #expect(report["findings"]?.array?.count == findings)
    }

    @Test("a finding says what is called and where")
    func finding() throws {
        let report = try CheckpointToolTest.report(["scan", ToolTest.fixture("tools/dangerous.pt")], exitCode: 77)
        let finding = try #require(report["findings"]?.array?.first?.object)
        #expect(finding["global"]?.string == "posix.system")
        #expect(finding["severity"]?.string == "dangerous")
        #expect(finding["entry"]?.string == "dangerous/data.pkl")
        #expect(try #require(finding["byteOffset"]?.number) > 0)
        #expect(try #require(finding["opcodeIndex"]?.number) > 0)
    }

    @Test(
        "a pickle that breaks off is reported up to there",
        arguments: [("(S'ls'\niposix\nsystem\n", "dangerous", Int32(77)), ("cposix\nsystem\n(S'l", "suspicious", 65)])
    func broken(_ pickle: String, _ verdict: String, _ exitCode: Int32) throws {
        let folder = try TemporaryDirectory()
        let path = folder.path("broken.pkl")
        try Data(pickle.utf8).write(to: URL(filePath: path))
        let report = try CheckpointToolTest.report(["scan", path], exitCode: exitCode)
        #expect(report["verdict"]?.string == verdict)
        #expect(report["container"] == nil)
        let finding = try #require(report["findings"]?.array?.first?.object)
        #expect(finding["global"]?.string == "posix.system")
        let error = try #require(report["error"]?.object)
        #expect(error["code"]?.string == "pickle-truncated")
        #expect(error["location"]?.object?["file"]?.string == path)
        let text = try BuiltTool("ud2m-convert").run(["scan", path]).text
        #expect(text.contains("posix.system") && text.contains("pickle-truncated"))
    }

    @Test(
        "an archive that is cut before any pickle could be read is suspicious, with the reason",
        arguments: [30, 1_000, 5_000])
    func unreadable(_ length: Int) throws {
        let folder = try TemporaryDirectory()
        let path = folder.path("cut.pt")
        let whole = try Data(contentsOf: URL(filePath: ToolTest.fixture("tools/dangerous.pt")))
        try (whole.prefix(min(length, whole.count - 30))).write(to: URL(filePath: path))
        let report = try CheckpointToolTest.report(["scan", path], exitCode: 65)
        #expect(report["verdict"]?.string == "suspicious")
        #expect(report["findings"]?.array?.first?.object?["severity"]?.string == "suspicious")
        #expect(report["error"]?.object?["code"]?.string?.hasPrefix("zip-") == true)
        let text = try BuiltTool("ud2m-convert").run(["scan", path]).text
        #expect(text.contains("suspicious at file"))
        // A file that holds no pickle is an error as before, and so is an archive that is whole and no checkpoint.
        try Data("GGUF\u{3}".utf8).write(to: URL(filePath: path))
        #expect(
            try ToolTest.failure("ud2m-convert", ["scan", path], exitCode: 65).object?["code"]?.string == "gguf-model")
        try Data(ZipBuilder([.init("readme", [1])]).build()).write(to: URL(filePath: path))
        #expect(
            try ToolTest.failure("ud2m-convert", ["scan", path], exitCode: 65).object?["code"]?.string == "torch-layout"
        )
    }

    @Test("an array of Python objects is a pickle, and judged as one", arguments: ["objects.npz", "objects.npy"])
    func objects(_ name: String) throws {
        let clean = try CheckpointToolTest.report(["scan", ToolTest.fixture("attacks/\(name)")])
        #expect(clean["verdict"]?.string == "clean")
        #expect(clean["container"]?.string == (name.hasSuffix("npz") ? "npz" : "npy"))
        let report = try CheckpointToolTest.report(["scan", ToolTest.fixture("attacks/call-\(name)")], exitCode: 77)
        #expect(report["verdict"]?.string == "dangerous")
        #expect(report["findings"]?.array?.first?.object?["global"]?.string == "posix.system")
    }

    @Test("bare pickles of every protocol are clean when they hold arrays", arguments: 0...5)
    func barePickles(_ version: Int) throws {
        let report = try CheckpointToolTest.report(
            ["scan", ToolTest.fixture("checkpoints/arrays-protocol\(version).pkl")])
        #expect(report["container"]?.string == "pickle")
        #expect(report["findings"]?.array?.isEmpty == true)
    }

    @Test("the worst file decides; strict globals makes unknown classes suspicious")
    func worst() throws {
        let tool = try BuiltTool("ud2m-convert")
        #expect(try tool.run(["scan", ToolTest.fixture("tools/*.pt")]).exitCode == 77)
        let unknown = ToolTest.fixture("tools/unknown-class.pt")
        #expect(try tool.run(["scan", unknown, "--strict-globals"]).exitCode == 1)
        #expect(try tool.run(["scan", ToolTest.fixture("safetensors/reference-0.8.safetensors")]).exitCode == 0)
    }

    @Test("a denied global that is named and never called is suspicious, and its file is loaded when that is asked for")
    func namedOnly() throws {
        let file = ToolTest.fixture("attacks/denied-value.pt")
        _ = try CheckpointToolTest.report(["scan", file], exitCode: 1)
        let refused = try ToolTest.failure("ud2m-convert", ["stat", file], exitCode: 77)
        #expect(refused.object?["code"]?.string == "pickle-dangerous")
        let loaded = try BuiltTool("ud2m-convert").run(["stat", file, "--allow-flagged"])
        #expect(loaded.exitCode == 0 && loaded.errorText.contains("posix.system"))
    }

    @Test("pickles that PyTorch never reads are judged as well: behind the last storage, and beside data.pkl")
    func unread() throws {
        let folder = try TemporaryDirectory()
        let command = Array("cposix\nsystem\n(S'id'\ntR.".utf8)
        let legacy = folder.path("legacy.pt")
        let honest = try Data(contentsOf: URL(filePath: ToolTest.fixture("checkpoints/legacy-aliases.pt")))
        try (honest + command).write(to: URL(filePath: legacy))
        var archive = TorchArchive.small()
        archive.zip.entries.append(ZipBuilder.Entry("archive/sub/evil.pkl", command))
        let zip = folder.path("zip.pt")
        try Data(archive.zip.build()).write(to: URL(filePath: zip))
        for file in [legacy, zip] {
            let report = try CheckpointToolTest.report(["scan", file], exitCode: 77)
            #expect("\(report)".contains("posix"))
        }
        // Bytes that are no pickle are suspicious.
        try (honest + Data([1, 2, 3])).write(to: URL(filePath: legacy))
        _ = try CheckpointToolTest.report(["scan", legacy], exitCode: 1)
    }

    @Test("dangerous files are not exported")
    func export() throws {
        let folder = try TemporaryDirectory()
        let input = ToolTest.fixture("tools/dangerous.pt")
        let error = try ToolTest.failure(
            "ud2m-convert", ["export", input, folder.path("out.safetensors")], exitCode: 77)
        #expect(error.object?["code"]?.string == "pickle-dangerous")
        #expect(try folder.names().isEmpty)
    }
}
