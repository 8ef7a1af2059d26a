import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// What the tools say about networks other than ADM.
@Suite("ud2m-convert on every family")
struct ConvertFamiliesTests {
    private static let linear = ToolTest.fixture("lpips/lpips_lin_slim16.legacy.pth")

    /// Writes a VGG-16 of small widths, without one tensor if asked.
    private static func writeVGG(to path: String, without lost: String? = nil, extra: String? = nil) throws {
        var tensors: [TensorInput] = []
        var width = 3
        for (indices, channels) in zip(VGGConfiguration.convolutionIndices, [4, 8, 16, 32, 32]) {
            for index in indices {
                for (name, shape) in [("weight", [channels, width, 3, 3]), ("bias", [channels])] {
                    let name = "features.\(index).\(name)"
                    if name == lost { continue }
                    let weights = PortableWeights.weight(case: "vgg16_slim16", tensor: name, shape: shape)
                    tensors.append(TensorInput(name: TensorName(name), shape: shape, floats: weights))
                }
                width = channels
            }
        }
        if let extra { tensors.append(TensorInput(name: TensorName(extra), shape: [1], floats: [1])) }
        try TorchZipWriter(tensors: tensors).write(to: path)
    }

    @Test("--lpips-linear makes the metric of a trunk and its linear layers")
    func lpipsLinear() throws {
        let folder = try TemporaryDirectory()
        let (trunk, output) = (folder.path("vgg.pth"), folder.path("lpips.ud2w"))
        try Self.writeVGG(to: trunk)
        let result = try BuiltTool("ud2m-convert").run(
            [trunk, output, "--lpips-linear", Self.linear, "--lpips-version", "0.0", "--json"])
        #expect(result.exitCode == 0, "\(result.errorText)")
        let report = try ToolTest.checked(result.output, "convert")
        #expect(report.object?["architecture"]?.object?["family"]?.string == "lpips")
        let store = try WeightStore(path: output)
        guard case .lpips(let configuration)? = store.architecture else {
            Issue.record("not an LPIPS network")
            return
        }
        #expect(configuration.version == .v0_0)
        #expect(store.names.count == 31)
        let again = try ToolTest.failure(
            "ud2m-convert", [trunk, Self.linear, "--lpips-linear", Self.linear, "--force"], exitCode: 73)
        #expect(again.object?["code"]?.string == "output-is-input")
    }

    @Test("linear layers alone name the command that takes them")
    func linearAlone() throws {
        let folder = try TemporaryDirectory()
        let error = try ToolTest.failure("ud2m-convert", [Self.linear, folder.path("x.ud2w")], exitCode: 65)
        #expect(error.object?["code"]?.string == "trunk-missing")
        #expect(error.object?["remedy"]?.string?.contains("--lpips-linear") == true)
    }

    @Test("an error names the offending tensors and the closest network")
    func offendingTensors() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path("vgg.pth")
        try Self.writeVGG(to: path, without: "features.12.bias", extra: "surplus")
        let error = try ToolTest.failure("ud2m-convert", [path, folder.path("x.ud2w")], exitCode: 65)
        #expect(error.object?["code"]?.string == "tensors-missing")
        let mismatches = try #require(error.object?["mismatches"]?.array)
        #expect(mismatches.map { $0.object?["name"]?.string } == ["features.12.bias", "surplus"])
        #expect(mismatches.first?.object?["expected"]?.array?.count == 1)
        #expect(mismatches.first?.object?["found"] == nil)
        #expect(error.object?["closest"]?.object?["model"]?.string == "vgg16 features")
        #expect(error.object?["closest"]?.object?["named"]?.number == 25)

        let report = try CheckpointToolTest.report(["inspect", path])
        #expect(report["mismatchCount"]?.number == 2)
        #expect(report["architecture"]?.object?["family"]?.string == "vgg16")
        #expect(report["closest"]?.object?["total"]?.number == 26)
        let dry = try BuiltTool("ud2m-convert").run([path, "--dry-run", "--json"])
        #expect(dry.exitCode == 1)
        let plan = try ToolTest.checked(dry.output, "convert")
        #expect(plan.object?["missing"]?.array?.count == 1)
        #expect(plan.object?["closest"]?.object?["model"]?.string == "vgg16 features")
    }

    @Test("flags about another network are a usage error")
    func inapplicableFlags() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path("vgg.pth")
        try Self.writeVGG(to: path)
        let error = try ToolTest.failure(
            "ud2m-convert", [path, folder.path("x.ud2w"), "--ram-flavour", "deepinv"], exitCode: 64)
        #expect(error.object?["code"]?.string == "option-inapplicable")
        #expect(try folder.names() == ["vgg.pth"])
    }

    @Test("the line of inspect")
    func inspectLine() throws {
        let text = try BuiltTool("ud2m-convert").run(["inspect", ToolTest.prior]).text
        #expect(text.contains("ADM U-Net, 1,965,027 parameters"))
        let given = try BuiltTool("ud2m-convert").run(
            ["inspect", ToolTest.fixture("adm/adm_a.pt"), "--head-channels", "16", "--attention-order", "new"])
        #expect(given.text.contains("heads of 16 channels"))
        #expect(given.text.contains("new row order"))
    }
}
