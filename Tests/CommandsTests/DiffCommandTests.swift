import Testing
import UD2MFormats
import UD2MTestSupport

@Suite("ud2m-convert diff")
struct DiffCommandTests {
    @Test("a wrapped checkpoint and the plain one are equal")
    func prefixes() throws {
        let report = try CheckpointToolTest.report(["diff", CheckpointToolTest.types, CheckpointToolTest.wrapped])
        #expect(report["equal"] == .bool(true))
        #expect(report["values"]?.object?["identical"] == report["values"]?.object?["compared"])
        #expect(report["values"]?.object?["compared"]?.number == 35)
        let kept = try CheckpointToolTest.report(
            ["diff", CheckpointToolTest.types, CheckpointToolTest.wrapped, "--keep-prefix"], exitCode: 1)
        #expect(kept["structure"]?.object?["onlyInA"]?.array?.count == 35)
        #expect(kept["structure"]?.object?["onlyInB"]?.array?.count == 35)
    }

    @Test("other types differ in structure, and in values as far as rounding goes")
    func types() throws {
        let folder = try TemporaryDirectory()
        let half = folder.path("half.safetensors")
        let names = ["--include", "layers.*"]
        let cast = ["cast", ToolTest.prior, half, "--dtype", "f16", "-q"]
        #expect(try BuiltTool("ud2m-convert").run(cast).exitCode == 0)
        let report = try CheckpointToolTest.report(["diff", ToolTest.prior, half], exitCode: 1)
        #expect(report["structure"]?.object?["dtypes"]?.array?.count == 270)
        let worst = try #require(report["values"]?.object?["different"]?.array?.first?.object)
        let distance = try #require(worst["maxAbs"]?.number)
        // Half a unit in the last place of 11 bits, for weights of magnitude below 8.
        #expect(distance > 0 && distance <= 0x1p-9)
        #expect(try #require(worst["cosine"]?.number) > 0.999)
        let within = ["diff", ToolTest.prior, half, "--values", "--tolerance", "0.002"]
        #expect(try CheckpointToolTest.report(within)["equal"] == .bool(true))
        let beyond = ["diff", ToolTest.prior, half, "--values", "--tolerance", "1e-7"]
        #expect(try CheckpointToolTest.report(beyond, exitCode: 1)["equal"] == .bool(false))
        let structure = try CheckpointToolTest.report(
            ["diff", ToolTest.prior, CheckpointToolTest.types, "--structure"] + names, exitCode: 1)
        #expect(structure["values"] == nil)
        #expect(structure["structure"]?.object?["onlyInB"]?.array?.count == 6)
    }

    @Test("integers that double precision rounds together differ, and a NaN on one side is named in the text")
    func exact() throws {
        let folder = try TemporaryDirectory()
        let (a, b) = (folder.path("a.safetensors"), folder.path("b.safetensors"))
        for (path, integer, float) in [(a, 1 << 53, Float.nan), (b, 1 << 53 + 1, 1)] {
            try SafetensorsFile.write(
                to: path,
                tensors: [
                    TensorInput(name: "i", elementType: .i64, shape: []) { try withUnsafeBytes(of: integer, $0) },
                    TensorInput(name: "f", shape: [1], floats: [float]),
                ])
        }
        let report = try CheckpointToolTest.report(["diff", a, b], exitCode: 1)
        let items = try #require(report["values"]?.object?["different"]?.array).compactMap(\.object)
        let integers = try #require(items.first { $0["name"]?.string == "i" })
        #expect(integers["maxAbs"]?.number == 1 && integers["withinTolerance"] == .bool(false))
        let floats = try #require(items.first { $0["name"]?.string == "f" })
        #expect(floats["nanMismatches"]?.number == 1 && floats["withinTolerance"] == .bool(false))
        #expect(try BuiltTool("ud2m-convert").run(["diff", a, b]).text.contains("NaN"))
    }

    @Test("contradicting flags are usage errors")
    func usage() throws {
        let files = [CheckpointToolTest.types, CheckpointToolTest.types]
        for arguments in [["--values", "--structure"], ["--tolerance", "-1"], ["--tolerance", "nan"]] {
            #expect(try BuiltTool("ud2m-convert").run(["diff"] + files + arguments).exitCode == 64, "\(arguments)")
        }
    }
}
