import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

@Suite("ud2m-convert convert")
struct ConvertCommandTests {
    @Test("converts the demo prior, reports it, and writes the same bytes every time")
    func converts() throws {
        let folder = try TemporaryDirectory()
        let (first, second) = (folder.path("first.ud2w"), folder.path("second.ud2w"))
        let result = try BuiltTool("ud2m-convert").run([ToolTest.prior, first, "--json"])
        #expect(result.exitCode == 0, "\(result.errorText)")
        let report = try ToolTest.checked(result.output, "convert")
        #expect(report.object?["architecture"]?.object?["parameters"]?.number == 1_965_027)
        #expect(report.object?["tensors"]?.array?.count == 270)
        #expect(report.object?["output"]?.object?["written"] == .bool(true))

        #expect(try BuiltTool("ud2m-convert").run(["convert", ToolTest.prior, second, "-q"]).exitCode == 0)
        let bytes = try Data(contentsOf: URL(filePath: first))
        #expect(try bytes == Data(contentsOf: URL(filePath: second)))
        #expect(try folder.names().sorted() == ["first.ud2w", "second.ud2w"])

        let store = try WeightStore(path: first)
        #expect(store.contentID == report.object?["output"]?.object?["contentID"]?.string)
        #expect(try store.verify(deep: true).isEmpty)
    }

    @Test("a dry run shows the plan and writes nothing")
    func dryRun() throws {
        let folder = try TemporaryDirectory()
        let output = folder.path("out.ud2w")
        let result = try BuiltTool("ud2m-convert").run([ToolTest.prior, output, "--dry-run", "--json"])
        #expect(result.exitCode == 0)
        let report = try ToolTest.checked(result.output, "convert")
        #expect(report.object?["output"]?.object?["written"] == .bool(false))
        #expect(try folder.names().isEmpty)
        #expect(try BuiltTool("ud2m-convert").run([ToolTest.prior, output, "-q"]).exitCode == 0)
        let size = try FileManager.default.attributesOfItem(atPath: output)[.size] as? Int
        #expect(report.object?["output"]?.object?["bytes"]?.number == size.map(Double.init))
    }

    @Test("an existing output is kept without --force")
    func existingOutput() throws {
        let folder = try TemporaryDirectory()
        let output = folder.path("out.ud2w")
        try Data("mine".utf8).write(to: URL(filePath: output))
        let error = try ToolTest.failure("ud2m-convert", [ToolTest.prior, output], exitCode: 73)
        #expect(error.object?["code"]?.string == "output-exists")
        #expect(try Data(contentsOf: URL(filePath: output)) == Data("mine".utf8))
        #expect(try BuiltTool("ud2m-convert").run([ToolTest.prior, output, "--force", "-q"]).exitCode == 0)
        #expect(try WeightStore(path: output).names.count == 270)
    }

    @Test("the input is never replaced")
    func inputAsOutput() throws {
        let folder = try TemporaryDirectory()
        let copy = folder.path("prior.pt")
        try FileManager.default.copyItem(atPath: ToolTest.prior, toPath: copy)
        let error = try ToolTest.failure("ud2m-convert", [copy, copy, "--force"], exitCode: 73)
        #expect(error.object?["code"]?.string == "output-is-input")
    }

    @Test("the version, as text and as JSON", arguments: ["ud2m", "ud2m-convert"])
    func version(tool: String) throws {
        let json = try BuiltTool(tool).run(["--version", "--json"])
        #expect(json.exitCode == 0)
        let report = try ToolTest.checked(json.output, "version")
        #expect(report.object?["tool"]?.string == tool)
        let text = try BuiltTool(tool).run(["--version"]).text
        #expect(text.trimmingCharacters(in: .whitespacesAndNewlines) == report.object?["version"]?.string)
    }

    @Test("usage errors exit 64, missing inputs 66")
    func usage() throws {
        #expect(try BuiltTool("ud2m-convert").run([]).exitCode == 64)
        #expect(try BuiltTool("ud2m-convert").run([ToolTest.prior]).exitCode == 64)
        #expect(try BuiltTool("ud2m-convert").run(["--no-such-flag"]).exitCode == 64)
        let folder = try TemporaryDirectory()
        let error = try ToolTest.failure(
            "ud2m-convert", [folder.path("nothing.pt"), folder.path("out.ud2w")], exitCode: 66)
        #expect(error.object?["code"]?.string == "file-missing")
    }

    @Test("a network of unknown heads is refused until they are given")
    func heads() throws {
        let folder = try TemporaryDirectory()
        let input = ToolTest.fixture("adm/adm_a.pt")
        let error = try ToolTest.failure("ud2m-convert", [input, folder.path("out.ud2w")], exitCode: 64)
        #expect(error.object?["code"]?.string == "attention-unknown")
        #expect(try folder.names().isEmpty)
        let arguments = [input, folder.path("out.ud2w"), "--head-channels", "16", "-q"]
        #expect(try BuiltTool("ud2m-convert").run(arguments).exitCode == 0)
    }

    @Test(
        "a truncated download is refused at any length, with its place, and leaves nothing",
        arguments: [
            0, 1, 100, 4096, 1_000_000, 7_943_458,
        ])
    func truncated(_ length: Int) throws {
        let folder = try TemporaryDirectory()
        let input = folder.path("cut.pt")
        try Data(contentsOf: URL(filePath: ToolTest.prior)).prefix(length).write(to: URL(filePath: input))
        let error = try ToolTest.failure("ud2m-convert", [input, folder.path("out.ud2w")], exitCode: 65)
        #expect(error.object?["location"]?.object?["file"]?.string == input)
        #expect(try folder.names() == ["cut.pt"])
    }

    @Test("a flipped bit in a weight is found by its checksum")
    func flippedBit() throws {
        let folder = try TemporaryDirectory()
        let input = folder.path("flipped.pt")
        var bytes = try Data(contentsOf: URL(filePath: ToolTest.prior))
        bytes[4_000_000] ^= 0x10
        try bytes.write(to: URL(filePath: input))
        let error = try ToolTest.failure("ud2m-convert", [input, folder.path("out.ud2w")], exitCode: 65)
        #expect(error.object?["code"]?.string == "zip-checksum")
        #expect(error.object?["location"]?.object?["tensor"] != nil)
        #expect(try folder.names() == ["flipped.pt"])
    }
}
