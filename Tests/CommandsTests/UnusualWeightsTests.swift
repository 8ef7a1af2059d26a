import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// Weights that are no numbers, and weights in double precision, from checkpoint to output.
@Suite("Unusual weights")
struct UnusualWeightsTests {
    private static let input = ToolTest.fixture("adm/adm_a.io.safetensors")

    /// Converts the tensors of a small ADM network; `change` gives what is written for each.
    private func convert(
        in folder: TemporaryDirectory, _ change: (TensorSource) -> TensorInput
    ) throws -> (store: String, report: JSONDocument, errors: String) {
        let (checkpoint, store) = (folder.path("in.safetensors"), folder.path("out.ud2w"))
        let tensors = try Checkpoint.open(path: ToolTest.fixture("adm/adm_a.pt")).stateDicts.flatMap(\.tensors)
        try SafetensorsFile.write(to: checkpoint, tensors: tensors.map(change))
        let result = try BuiltTool("ud2m-convert").run([checkpoint, store, "--head-channels", "16", "--json"])
        try #require(result.exitCode == 0, "\(result.errorText)")
        return (store, try ToolTest.checked(result.output, "convert"), result.errorText)
    }

    private func forward(_ store: String, to output: String) throws -> (report: JSONDocument, errors: String) {
        let result = try BuiltTool("ud2m").run(
            ["forward", store, "--input", Self.input, "--output", output, "--json"])
        try #require(result.exitCode == 0, "\(result.errorText)")
        return (try ToolTest.checked(result.output, "forward"), result.errorText)
    }

    @Test("NaN and infinite weights are named by the conversion, and the run warns of what they give")
    func notFinite() throws {
        let folder = try TemporaryDirectory()
        let (store, report, errors) = try convert(in: folder) { tensor in
            guard tensor.name == "out.2.bias" else { return TensorInput(tensor) }
            return TensorInput(name: tensor.name, shape: tensor.shape, floats: [.nan, -.infinity, 0, 0, 0, 0])
        }
        let entry = try #require(report.object?["notFinite"]?.array?.first?.object)
        #expect(report.object?["notFinite"]?.array?.count == 1)
        #expect(entry["name"]?.string == "out.2.bias")
        #expect(entry["count"]?.number == 2)
        #expect(errors.contains("out.2.bias (2)"))
        let run = try forward(store, to: folder.path("out.safetensors"))
        // Two of the six channels of two items of 16×16 pixels.
        #expect(run.report.object?["outputs"]?.array?.first?.object?["notFinite"]?.number == 1024)
        #expect(run.errors.contains("warning"))
    }

    @Test("a network in double precision runs, and gives the reference's output")
    func doubles() throws {
        let folder = try TemporaryDirectory()
        let (store, report, _) = try convert(in: folder) { TensorInput($0, elementType: .f64) }
        #expect(report.object?["notFinite"]?.array?.isEmpty == true)
        let notes = report.object?["notes"]?.array?.compactMap(\.string) ?? []
        #expect(notes.contains { $0.contains("--dtype f32") })
        #expect(try WeightStore(path: store).tensor("out.2.bias")?.elementType == .f64)
        let output = folder.path("out.safetensors")
        let run = try forward(store, to: output)
        #expect(run.errors.isEmpty)
        let want = try #require(try WeightStore(path: Self.input).tensor("out")).floats()
        let have = try #require(try WeightStore(path: output).tensor("out")).floats()
        #expect(want.count == have.count)
        #expect((zip(want, have).map { abs($0 - $1) }.max() ?? .infinity) <= 3e-5)
    }
}
