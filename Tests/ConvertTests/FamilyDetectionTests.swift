import Foundation
import Testing
import UD2MConvert
import UD2MFormats

/// Layouts, relatives that are refused by name, and what a wrong file is told.
@Suite("Families")
struct FamilyDetectionTests {
    static func shapes(_ parameters: [ParameterDescription]) -> [TensorName: [Int]] {
        Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.shape) })
    }

    static let ddpm = DDPMConfiguration(
        modelChannels: 32, levelChannels: [32, 64], residualBlocks: 1, attentionLevels: [1])

    @Test("every DDPM shape is read back", arguments: [1, 2, 3])
    func roundTripDDPM(blocks: Int) throws {
        for levels in [[32], [32, 64], [64, 32, 96, 128]] {
            for attention in [[], [0], Array(levels.indices)] {
                let configuration = DDPMConfiguration(
                    imageChannels: 1, outputChannels: 2, modelChannels: 32, levelChannels: levels,
                    residualBlocks: blocks, attentionLevels: attention)
                let detected = try ArchitectureRegistry.detect(
                    StateDictShapes(Self.shapes(configuration.parameters)))
                #expect(detected?.configuration == .ddpm(configuration))
            }
        }
    }

    @Test("every RAM, VGG, SqueezeNet, Inception and discriminator shape is read back")
    func roundTripOthers() throws {
        let fires = (1...8).map { SqueezeNetConfiguration.Fire(squeeze: $0, expand1x1: 9 - $0, expand3x3: 2 * $0) }
        let inception = InceptionConfiguration(widths: Array(1...94), classCount: 63)
        let cases: [(ArchitectureConfiguration, [ParameterDescription])] =
            [
                RAMConfiguration(widths: [8, 4, 16, 12], blocksPerLevel: 2, imageChannels: [2, 3], flavour: .deepinv)
            ].map { (.ram($0), $0.parameters) }
            + [
                VGGConfiguration(widths: [1, 2, 3, 4, 5], classifierWidths: [6, 7, 8]),
                VGGConfiguration(widths: [5, 4, 3, 2, 1]),
            ].map { (.vgg16($0), $0.parameters) }
            + [
                SqueezeNetConfiguration(stemChannels: 5, fires: fires, classCount: 7),
                SqueezeNetConfiguration(stemChannels: 5, fires: fires),
            ].map { (.squeezeNet($0), $0.parameters) } + [(.inception(inception), inception.parameters)]
            + [
                DiscriminatorConfiguration(imageChannels: 1, imageSize: 24, stemChannels: 3, widths: [4, 5, 6]),
                DiscriminatorConfiguration(imageChannels: 3, imageSize: 2, stemChannels: 3, widths: [4]),
            ].map { (.discriminator($0), $0.parameters) }
        for (configuration, parameters) in cases {
            let detected = try ArchitectureRegistry.detect(StateDictShapes(Self.shapes(parameters)))
            #expect(detected?.configuration == configuration)
            #expect(detected?.parameters == parameters)
        }
    }

    /// What converting tensors of these shapes throws, or nil.
    static func error(
        _ shapes: [TensorName: [Int]], options: DetectionOptions = DetectionOptions()
    ) -> UD2MError? {
        do {
            try KeyTableTests.plan(shapes, options: options).requireComplete()
            return nil
        } catch {
            return error as? UD2MError
        }
    }

    @Test("relatives are refused by name")
    func relatives() throws {
        let features: [TensorName: [Int]] = ["features.0.weight": [64, 3, 3, 3]]
        let batchNormalised = features.merging([
            "features.3.weight": [64, 64, 3, 3], "features.1.running_mean": [64],
        ]) { $1 }
        let deeper = Dictionary(
            uniqueKeysWithValues: [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34].map {
                (TensorName("features.\($0).weight"), [8, 8, 3, 3])
            })
        let classifier: [TensorName: [Int]] = [
            "input_blocks.0.0.weight": [32, 3, 3, 3], "middle_block.0.in_layers.0.weight": [32],
            "time_embed.0.weight": [128, 32], "out.2.positional_embedding": [32, 65],
        ]
        var torchvision = try KeyTable("inception_fid").shapes
        torchvision["AuxLogits.fc.weight"] = [1000, 768]
        let older: [TensorName: [Int]] = [
            "features.3.squeeze.weight": [16, 96, 1, 1], "features.5.squeeze.weight": [32, 128, 1, 1],
        ]
        let alex: [TensorName: [Int]] = [
            "net.slice1.0.weight": [64, 3, 11, 11], "lin0.model.1.weight": [1, 64, 1, 1],
        ]
        for shapes in [batchNormalised, deeper, classifier, torchvision, older, alex] {
            #expect(Self.error(shapes)?.code == .architectureUnsupported)
        }
    }

    @Test("linear layers of LPIPS alone are told which trunk they need")
    func linearLayersAlone() {
        func layers(_ widths: [Int]) -> [TensorName: [Int]] {
            Dictionary(
                uniqueKeysWithValues: widths.enumerated().map {
                    (TensorName("lin\($0.offset).model.1.weight"), [1, $0.element, 1, 1])
                })
        }
        let vgg = Self.error(layers([64, 128, 256, 512, 512]))
        #expect(vgg?.code == .trunkMissing)
        #expect(vgg?.remedy?.contains("vgg16-397923af.pth out.ud2w --lpips-linear memory.pt") == true)
        let squeeze = Self.error(layers([64, 128, 256, 384, 384, 512, 512]))
        #expect(squeeze?.remedy?.contains("squeezenet1_1") == true)
        #expect(Self.error(layers([64, 192, 384, 256, 256]))?.code == .architectureUnsupported)
    }

    @Test("a whole LPIPS network, with lins and constants or without")
    func wholeLPIPS() throws {
        let squeeze = SqueezeNetConfiguration(
            stemChannels: 4, fires: (1...8).map { .init(squeeze: $0, expand1x1: $0, expand3x3: $0) })
        let vgg = VGGConfiguration(widths: [1, 2, 3, 4, 5])
        // torchmetrics has SqueezeNet's slices in a list that counts from zero.
        for (trunk, slice, first) in [
            (LPIPSConfiguration.Trunk.vgg16(vgg), "slice", 1), (.squeezeNet(squeeze), "slice", 1),
            (.squeezeNet(squeeze), "slices.", 0),
        ] {
            let configuration = LPIPSConfiguration(trunk: trunk, version: .v0_1)
            let starts =
                if case .vgg16 = trunk { [4, 9, 16, 23] } else { [2, 5, 8, 10, 11, 12] }
            var file: [TensorName: [Int]] = [:]
            for parameter in configuration.parameters {
                let parts = parameter.name.text.split(separator: ".", maxSplits: 2)
                let index = Int(parts[1]) ?? 0
                let name =
                    parts[0] == "features"
                    ? "net.\(slice)\(first + starts.count { $0 <= index }).\(index).\(parts[2])" : parameter.name.text
                file[TensorName(name)] = parameter.shape
                if parts[0].hasPrefix("lin") {
                    file[TensorName("lins.\(parts[0].dropFirst(3)).model.1.weight")] = parameter.shape
                }
            }
            file["scaling_layer.shift"] = [1, 3, 1, 1]
            file["scaling_layer.scale"] = [1, 3, 1, 1]
            let plan = try KeyTableTests.plan(file)
            #expect(plan.isComplete)
            #expect(plan.leftOut.count == 2)
            #expect(plan.choice.architecture.configuration == .lpips(configuration))
            #expect(plan.mapped.map(\.name) == configuration.parameters.map(\.name))
            // Some files have only one spelling of the linear layers.
            let without = file.filter { !$0.key.hasPrefix("lin0") && !$0.key.text.contains(/^lin\d/) }
            #expect(try KeyTableTests.plan(without).isComplete)
            var options = DetectionOptions()
            options.lpipsVersion = .v0_0
            let old = try KeyTableTests.plan(file, options: options).choice.architecture.configuration
            #expect(old == .lpips(LPIPSConfiguration(trunk: trunk, version: .v0_0)))
            // A lost weight is named, and is no reason to say that the trunk is elsewhere.
            let lost = "net.\(slice)\(first).0.weight"
            file[TensorName(lost)] = nil
            let error = try #require(Self.error(file))
            #expect(error.mismatches.map(\.name) == [lost])
            #expect(error.code == .tensorsMissing)
        }
    }

    @Test("overrides of a DDPM network")
    func overrides() throws {
        var options = DetectionOptions(heads: .count(4))
        options.ddpm.normEpsilon = 1e-5
        options.ddpm.timestepOrder = .cosineFirst
        options.ddpm.frequencyShift = 0
        options.ddpm.downPadding = .symmetric
        let shapes = StateDictShapes(Self.shapes(Self.ddpm.parameters))
        var expected = Self.ddpm
        expected.headChannels = 16
        expected.normEpsilon = 1e-5
        expected.timestepOrder = .cosineFirst
        expected.frequencyShift = 0
        expected.downPadding = .symmetric
        #expect(try ArchitectureRegistry.detect(shapes, options: options)?.configuration == .ddpm(expected))
        for heads in [ADMConfiguration.Heads.count(5), .channels(48)] {
            do {
                _ = try ArchitectureRegistry.detect(shapes, options: DetectionOptions(heads: heads))
                Issue.record("nothing was thrown")
            } catch let error {
                #expect(error.code == .attentionUnknown)
            }
        }
    }

    @Test("options about another network are a mistake")
    func inapplicable() throws {
        let detected = try #require(
            try ArchitectureRegistry.detect(StateDictShapes(Self.shapes(Self.ddpm.parameters))))
        var options = DetectionOptions(heads: .channels(32))
        #expect(throws: Never.self) { try options.requireApplicable(to: detected) }
        options.ramFlavour = .original
        do {
            try options.requireApplicable(to: detected)
            Issue.record("nothing was thrown")
        } catch {
            #expect(error.code == .optionInapplicable)
        }
    }

    @Test("ten offending tensors are named with their shapes, and the closest model")
    func offendingTensors() throws {
        var shapes = try KeyTable("ddpm_cifar10").shapes
        let lost = shapes.keys.filter { $0.hasPrefix("up.3.block.") }.sorted()
        for name in lost { shapes[name] = nil }
        let missing = try #require(Self.error(shapes))
        #expect(missing.code == .tensorsMissing)
        #expect(missing.mismatches.count == 10)
        #expect(missing.mismatches.allSatisfy { $0.found == nil && $0.expected != nil })
        #expect(missing.closest?.model == "diffusion_cifar10_model")
        #expect(missing.closest?.matched == 328 - lost.count)
        #expect(missing.closest?.total == 328)

        shapes = try KeyTable("ddpm_cifar10").shapes
        shapes["mid.block_1.conv1.weight"] = [256, 128, 3, 3]
        shapes["surplus"] = [7]
        let misshapen = try #require(Self.error(shapes))
        #expect(misshapen.code == .tensorsMisshapen)
        #expect(misshapen.location.tensor == "mid.block_1.conv1.weight")
        #expect(
            misshapen.mismatches == [
                TensorMismatch(
                    name: "mid.block_1.conv1.weight", expected: [256, 256, 3, 3], found: [256, 128, 3, 3]),
                TensorMismatch(name: "surplus", expected: nil, found: [7]),
            ])

        // Without the tensor that fixes the shape, the closest model says what is missing.
        shapes = try KeyTable("ddpm_diffusers_bedroom256").shapes
        shapes["conv_in.weight"] = nil
        let undetected = try #require(Self.error(shapes))
        #expect(undetected.code == .architectureTensorMissing)
        #expect(undetected.location.tensor == "conv_in.weight")
        #expect(undetected.closest?.matched == 449)
        #expect(
            undetected.mismatches == [TensorMismatch(name: "conv_in.weight", expected: [128, 3, 3, 3], found: nil)])

        // Half a file of unknown names still comes closest to something.
        shapes = try KeyTable("ram_original").shapes.filter { $0.key.hasPrefix("m_up") || $0.key.hasPrefix("pool") }
        let unknown = try #require(Self.error(shapes))
        #expect(unknown.code == .architectureUnknown)
        #expect(unknown.closest?.model == "ram")
        // The gains that no formula uses belong to the layout: they neither match nor differ.
        let gains = shapes.keys.filter { $0.text.contains("PhysicsBlock.gain") }
        #expect(gains.count == 60)
        #expect(unknown.closest?.matched == shapes.count - gains.count)
        #expect(Self.error(["conv.weight": [3, 3, 3, 3]])?.closest == nil)
    }

    @Test("what a layout leaves out is no difference")
    func leftOutIsKnown() throws {
        var shapes = try KeyTable("ram_original").shapes
        shapes["m_down1.enc.0.conv1.weight"] = nil
        let error = try #require(Self.error(shapes))
        #expect(error.code == .architectureTensorMissing)
        #expect(error.closest?.matched == 684)
        #expect(error.mismatches.map(\.name) == ["m_down1.enc.0.conv1.weight"])
    }

    @Test(
        "absurd shapes give an error, not a trap",
        arguments: [[0, 1 << 62], [1 << 62, 0], [], [1 << 40, 1 << 40], [128, 1, 1], [1, 1 << 20, 1, 1]])
    func absurdShapes(_ shape: [Int]) throws {
        for (table, names) in [
            ("ddpm_cifar10", ["temb.dense.0.weight", "conv_in.weight", "down.1.block.0.conv1.weight"]),
            ("ddpm_diffusers_bedroom256", ["conv_out.weight", "time_embedding.linear_1.weight"]),
            ("ram_original", ["m_head.conv0.weight", "m_body.enc.0.conv1.weight", "m_down1.enc.0.conv1.weight"]),
            ("vgg16", ["features.0.weight", "classifier.0.weight", "features.24.weight"]),
            ("inception_fid", ["fc.weight", "Mixed_7c.branch_pool.conv.weight"]),
            ("disc_256", ["dense_layer.1.weight", "initial_layers.0.weight", "encoder_layers.0.downsample.1.weight"]),
        ] {
            for name in names {
                var shapes = try KeyTable(table).shapes
                shapes[TensorName(name)] = shape
                #expect(Self.error(shapes) != nil, "\(table) \(name)")
            }
        }
    }
}
