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

    @Test("the worst file decides; strict globals makes unknown classes suspicious")
    func worst() throws {
        let tool = try BuiltTool("ud2m-convert")
        #expect(try tool.run(["scan", ToolTest.fixture("tools/*.pt")]).exitCode == 77)
        let unknown = ToolTest.fixture("tools/unknown-class.pt")
        #expect(try tool.run(["scan", unknown, "--strict-globals"]).exitCode == 1)
        #expect(try tool.run(["scan", ToolTest.fixture("safetensors/reference-0.8.safetensors")]).exitCode == 0)
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
