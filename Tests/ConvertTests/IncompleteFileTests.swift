import Foundation
import Testing
import UD2MConvert
import UD2MFormats
import UD2MTestSupport

/// What a file is told that is nearly a network.
@Suite("Incomplete files")
struct IncompleteFileTests {
    /// An ADM U-Net that is in no table of heads.
    static let odd = ADMConfiguration(
        imageChannels: 3, inputChannels: 3, outputChannels: 3, modelChannels: 48, levelChannels: [96, 96],
        residualBlocks: 1, attentionLevels: [1], heads: .count(3), attentionOrder: .new, usesScaleShift: false,
        resampling: .pooling, classCount: nil, isSuperResolution: false)

    @Test("tensors that are missing or misshapen are named before heads are asked for")
    func tensorsFirst() throws {
        var shapes = FamilyDetectionTests.shapes(Self.odd.parameters)
        let whole = try #require(FamilyDetectionTests.error(shapes))
        #expect(whole.code == .attentionUnknown)
        #expect(whole.mismatches.isEmpty)
        shapes["middle_block.1.qkv.bias"] = nil
        shapes["middle_block.1.proj_out.bias"] = [95]
        let damaged = try #require(FamilyDetectionTests.error(shapes))
        #expect(damaged.code == .tensorsMissing)
        #expect(
            damaged.mismatches == [
                TensorMismatch(name: "middle_block.1.proj_out.bias", expected: [96], found: [95]),
                TensorMismatch(name: "middle_block.1.qkv.bias", expected: [288], found: nil),
            ])
        let given = DetectionOptions(heads: .count(3))
        #expect(FamilyDetectionTests.error(FamilyDetectionTests.shapes(Self.odd.parameters), options: given) == nil)
    }

    @Test("a network whose heads nobody knows is recognised, and neither converted nor said to be one in a store")
    func undecided() throws {
        let tensors = Self.odd.parameters.map {
            TensorSource($0.name, [Float](repeating: 0, count: $0.count), shape: $0.shape)
        }
        let checkpoint = Checkpoint([StateDict(path: [], tensors: tensors)])
        let selection = try #require(try StateDictSelection(checkpoint: checkpoint))
        #expect(selection.architecture?.family == "adm")
        #expect(selection.architecture?.parameterCount == Self.odd.parameters.reduce(0) { $0 + $1.count })
        #expect(selection.architecture?.undecided?.code == .attentionUnknown)
        #expect(selection.comparison.count == 0)
        let plan = try ConversionPlan(checkpoint: checkpoint)
        #expect(throws: UD2MError.self) { try Converter(plan: plan, toolVersion: "test") }
        let exporter = try Exporter(
            checkpoint: checkpoint, selection: selection, options: Exporter.Options(format: .ud2w))
        let folder = try TemporaryDirectory()
        _ = try exporter.write(to: folder.path("out.ud2w"), overwrite: false) { _, _ in }
        #expect(try WeightStore(path: folder.path("out.ud2w")).architecture == nil)
    }

    @Test("a slim network's lost weight is reported with the shape that its own file implies")
    func slimNetwork() throws {
        var shapes = FamilyDetectionTests.shapes(FamilyDetectionTests.ddpm.parameters)
        shapes["down.1.block.0.conv1.weight"] = nil
        let error = try #require(FamilyDetectionTests.error(shapes))
        #expect(
            error.mismatches == [
                TensorMismatch(name: "down.1.block.0.conv1.weight", expected: [64, 32, 3, 3], found: nil)
            ])
    }

    @Test("against a model of other widths, what is named is what is missing, not every tensor")
    func otherWidths() throws {
        var shapes = FamilyDetectionTests.shapes(
            DDPMConfiguration(
                modelChannels: 32, levelChannels: [32, 64, 64, 64], residualBlocks: 2, attentionLevels: [1]
            ).parameters)
        shapes["temb.dense.0.weight"] = nil
        shapes["conv_out.weight"] = [3, 32, 9]
        let error = try #require(FamilyDetectionTests.error(shapes))
        #expect(error.location.tensor == "conv_out.weight" || error.location.tensor == "temb.dense.0.weight")
        #expect(error.closest?.model == "diffusion_cifar10_model")
        #expect(error.mismatches.map(\.name) == ["conv_out.weight", "temb.dense.0.weight"])
    }

    @Test("among hundreds of missing tensors those of another shape are named, and the unknown one")
    func everyKind() throws {
        var shapes = try KeyTable("ddpm_cifar10").shapes.filter { $0.key.hasPrefix("down.0.block.0.conv") }
        #expect(shapes.count == 4)
        shapes["down.0.block.0.conv1.weight"] = [128, 64, 3, 3]
        shapes["down.0.block.0.conv1.bias"] = [64]
        shapes["down.0.block.0.conv2.weight"] = [128, 64, 3, 3]
        shapes["surplus"] = [7]
        let error = try #require(FamilyDetectionTests.error(shapes))
        #expect(error.closest?.model == "diffusion_cifar10_model")
        #expect(error.mismatches.count == 10)
        #expect(error.mismatches.first?.found == [128, 64, 3, 3])
        #expect(error.mismatches.last == TensorMismatch(name: "surplus", expected: nil, found: [7]))
        #expect(error.message.contains("(3 of another shape, 324 missing, 1 unknown)"), "\(error.message)")
    }

    @Test("a few names in common do not make a network close")
    func notClose() throws {
        // A tenth of the names are VGG-16's.
        var shapes = try KeyTable("vgg16").shapes.filter { $0.key.hasPrefix("features.2") }
        for index in 0..<9 * shapes.count { shapes[TensorName("layer.\(index).weight")] = [64, 64] }
        let error = try #require(FamilyDetectionTests.error(shapes))
        #expect(error.code == .architectureUnknown)
        #expect(error.closest == nil)
        #expect(error.mismatches.isEmpty)
        let tensors = shapes.map { TensorSource($0.key, [UInt8](), .f32, shape: $0.value) }
        let selection = try #require(
            try StateDictSelection(checkpoint: Checkpoint([StateDict(path: [], tensors: tensors)])))
        let comparison = selection.comparison
        #expect(comparison.isUnlikeAll)
        #expect(comparison.closest == nil)
        #expect(selection.unrecognisedText(comparison) != selection.unrecognised?.message)
        #expect(selection.unrecognisedText(comparison)?.hasPrefix(selection.unrecognised?.message ?? "?") == true)
    }

    @Test(
        "each part of a published network is enough to find it",
        arguments: [
            "adm_256x256_diffusion", "adm_ud2m_MNIST_diffusion", "ddpm_lsun256", "ddpm_diffusers_bedroom256",
            "ram_original", "vgg16", "inception_fid", "disc_256",
        ])
    func roots(_ table: String) throws {
        let shapes = try KeyTable(table).shapes
        let parts = Dictionary(grouping: shapes.keys) { $0.text.prefix { $0 != "." } }
        for (part, names) in parts where names.count >= 3 {
            let error = FamilyDetectionTests.error(
                Dictionary(uniqueKeysWithValues: names.map { ($0, shapes[$0] ?? []) }))
            // Three names are the least that mean something; statistics of batches are in no table.
            let counted = names.count { !$0.text.hasSuffix("num_batches_tracked") }
            #expect(error == nil || error?.closest != nil || counted < 3, "\(part): \(error?.message ?? "")")
        }
    }
}
