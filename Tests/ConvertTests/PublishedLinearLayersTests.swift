import Testing
import UD2MConvert
import UD2MFormats
import UD2MTestSupport

/// The version of LPIPS linear layers is told by the numbers of the published files.
@Suite("LPIPS versions")
struct PublishedLinearLayersTests {
    private static let cases = [("0.1", "vgg"), ("0.1", "squeeze"), ("0.0", "vgg"), ("0.0", "squeeze")]

    private func plan(_ linear: Checkpoint, _ trunk: String, given: String? = nil) throws -> ConversionPlan {
        let fires = [16, 16, 32, 32, 48, 48, 64, 64].map {
            SqueezeNetConfiguration.Fire(squeeze: $0, expand1x1: 4 * $0, expand3x3: 4 * $0)
        }
        let parameters =
            trunk == "vgg"
            ? VGGConfiguration(widths: [64, 128, 256, 512, 512]).parameters
            : SqueezeNetConfiguration(stemChannels: 64, fires: fires, classCount: 1000).parameters
        // Nothing but the first linear layer is read.
        let tensors = parameters.map { TensorSource($0.name, [UInt8](), .f32, shape: $0.shape) }
        var options = DetectionOptions()
        options.lpipsVersion = given.flatMap(LPIPSConfiguration.Version.init)
        return try ConversionPlan(
            checkpoint: try LPIPSInputs.joining(
                trunk: Checkpoint([StateDict(path: [], tensors: tensors)]), linear: linear), options: options)
    }

    private func linear(_ version: String, _ trunk: String) throws -> Checkpoint {
        try Checkpoint.open(path: LayoutConversionTests.fixture("lpips/lpips_v\(version)_\(trunk).pth"))
    }

    private func version(_ plan: ConversionPlan) -> String? {
        guard case .lpips(let lpips) = plan.choice.architecture.configuration else { return nil }
        return lpips.version.rawValue
    }

    @Test("published layers tell their version, in half precision as well", arguments: cases)
    func told(version: String, trunk: String) throws {
        let layers = try linear(version, trunk)
        let plan = try plan(layers, trunk)
        #expect(self.version(plan) == version)
        #expect(plan.choice.architecture.notes.isEmpty)
        #expect(plan.choice.architecture.summary.contains(version))
        let folder = try TemporaryDirectory()
        try SafetensorsFile.write(
            to: folder.path("half.safetensors"),
            tensors: layers.stateDicts.flatMap(\.tensors).map { TensorInput($0, elementType: .bf16) })
        let half = try Checkpoint.open(path: folder.path("half.safetensors"))
        #expect(self.version(try self.plan(half, trunk)) == version)
    }

    @Test("an option that says the other version is refused, one that says theirs is not", arguments: cases)
    func given(version: String, trunk: String) throws {
        let layers = try linear(version, trunk)
        #expect(self.version(try plan(layers, trunk, given: version)) == version)
        let error = #expect(throws: UD2MError.self) {
            try plan(layers, trunk, given: version == "0.1" ? "0.0" : "0.1")
        }
        #expect(error?.code == .lpipsVersion)
        #expect(error?.location.tensor == "lin0.model.1.weight")
    }

    @Test("layers of another training are of the version that is said, 0.1 with a note unless it is")
    func others() throws {
        let tensors = [64, 128, 256, 512, 512].enumerated().map { index, channels in
            TensorSource(
                TensorName("lin\(index).model.1.weight"), [Float](repeating: 0.1, count: channels),
                shape: [1, channels, 1, 1])
        }
        let own = Checkpoint([StateDict(path: [], tensors: tensors)])
        let assumed = try plan(own, "vgg")
        #expect(version(assumed) == "0.1")
        #expect(assumed.choice.architecture.notes.count == 1)
        #expect(version(try plan(own, "vgg", given: "0.0")) == "0.0")
    }
}
