import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

@Suite("ud2m forward")
struct ForwardCommandTests {
    private func store(in folder: TemporaryDirectory) throws -> String {
        let path = folder.path("adm_a.ud2w")
        let result = try BuiltTool("ud2m-convert").run(
            [ToolTest.fixture("adm/adm_a.pt"), path, "--head-channels", "16", "-q"])
        try #require(result.exitCode == 0, "\(result.errorText)")
        return path
    }

    @Test("gives the reference's output and activations for the tensors of a golden file")
    func golden() throws {
        let folder = try TemporaryDirectory()
        let input = ToolTest.fixture("adm/adm_a.io.safetensors")
        let output = folder.path("out.safetensors")
        let result = try BuiltTool("ud2m").run(
            ["forward", try store(in: folder), "--input", input, "--output", output, "--json", "--taps"]
                + ["middle_block.1.attention", "act/out.0"])
        #expect(result.exitCode == 0, "\(result.errorText)")
        _ = try ToolTest.checked(result.output, "forward")

        let (expected, found) = (try WeightStore(path: input), try WeightStore(path: output))
        #expect(found.names == ["act/out.0", "middle_block.1.attention", "out"])
        for (name, golden) in [
            ("out", "out"), ("middle_block.1.attention", "act/middle_block.1.attention"), ("act/out.0", "act/out.0"),
        ] {
            let want = try #require(expected.tensor(TensorName(golden))).floats()
            let have = try #require(found.tensor(TensorName(name))).floats()
            // Goldens keep inner activations of the first item only.
            let worst = zip(want, have).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst <= 3e-5)
        }
    }

    @Test("missing inputs, unknown taps and existing outputs are errors that write nothing")
    func errors() throws {
        let folder = try TemporaryDirectory()
        let store = try store(in: folder)
        let input = ToolTest.fixture("adm/adm_a.io.safetensors")
        let output = folder.path("out.safetensors")
        let base = ["forward", store, "--input", input, "--output", output]
        let tap = try ToolTest.failure("ud2m", base + ["--taps", "no.such.block"], exitCode: 64)
        #expect(tap.object?["code"]?.string == "tap-unknown")
        let lacking = try ToolTest.failure(
            "ud2m",
            ["forward", store, "--input", ToolTest.fixture("portable_generator.safetensors")]
                + ["--output", output], exitCode: 64)
        #expect(lacking.object?["code"]?.string == "input-missing")
        #expect(!FileManager.default.fileExists(atPath: output))
        try Data().write(to: URL(filePath: output))
        #expect(try ToolTest.failure("ud2m", base, exitCode: 73).object?["code"]?.string == "output-exists")
    }
}
