import Foundation
import Testing
import UD2MConvert
import UD2MFormats
import UD2MTestSupport

/// Files in every layout become the same store (`networks.md` §2, §3, §4).
@Suite("Layouts")
struct LayoutConversionTests {
    static let ddpm = DDPMConfiguration(
        modelChannels: 32, levelChannels: [32, 32], residualBlocks: 1, attentionLevels: [1])

    static func fixture(_ name: String) -> String {
        RepositoryPaths.fixtures.appending(path: name).path(percentEncoded: false)
    }

    /// A map of names that diffusers' own converter gave.
    private static func names(_ file: String) throws -> [String: String] {
        let data = try Data(contentsOf: URL(filePath: fixture("ddpm/\(file).json")))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: String])
    }

    /// Writes tensors with portable weights; the weights depend on the store's names, the file's may differ.
    private static func write(
        _ parameters: [ParameterDescription], to path: String, shapes: (ParameterDescription) -> [Int] = \.shape,
        names: (String) -> [String] = { [$0] }
    ) throws {
        let tensors = parameters.flatMap { parameter -> [TensorInput] in
            let weights = PortableWeights.weight(
                case: "layout", tensor: parameter.name.text, shape: parameter.shape)
            return names(parameter.name.text).map {
                TensorInput(name: TensorName($0), shape: shapes(parameter), floats: weights)
            }
        }
        if path.hasSuffix(".safetensors") {
            try SafetensorsFile.write(to: path, tensors: tensors)
        } else {
            try TorchZipWriter(tensors: tensors).write(to: path)
        }
    }

    @discardableResult
    private static func convert(
        _ path: String, to output: String, options: DetectionOptions = DetectionOptions()
    ) throws -> WeightStore {
        let plan = try ConversionPlan(checkpoint: try Checkpoint.open(path: path), options: options)
        try plan.requireComplete()
        _ = try Converter(plan: plan, toolVersion: "test").write(to: output)
        return try WeightStore(path: output)
    }

    /// Attention weights are matrices in diffusers.
    private static func diffusersShape(_ parameter: ParameterDescription) -> [Int] {
        let name = parameter.name.text
        let isProjection = [".q.weight", ".k.weight", ".v.weight", ".proj_out.weight"].contains {
            name.hasSuffix($0)
        }
        return isProjection ? Array(parameter.shape.prefix(2)) : parameter.shape
    }

    @Test("pesser's names, with a wrapper and without, and both of diffusers' give the same weights")
    func layoutsOfDDPM() throws {
        let folder = try TemporaryDirectory()
        let (new, old) = (try Self.names("pesser_to_diffusers"), try Self.names("old_attention_names"))
        let oldNames = Dictionary(uniqueKeysWithValues: old.map { ($0.value, $0.key) })
        let parameters = Self.ddpm.parameters
        #expect(Set(parameters.map(\.name.text)) == Set(new.keys))
        try Self.write(parameters, to: folder.path("pesser.ckpt"))
        try Self.write(parameters, to: folder.path("wrapped.pt"), names: { ["module." + $0] })
        for (name, map) in [
            ("new.safetensors", { new[$0] ?? "" }), ("old.bin", { oldNames[new[$0] ?? ""] ?? new[$0] ?? "" }),
        ] as [(String, (String) -> String)] {
            try Self.write(parameters, to: folder.path(name), shapes: Self.diffusersShape, names: { [map($0)] })
        }
        let expected = try Self.convert(folder.path("pesser.ckpt"), to: folder.path("pesser.ud2w"))
        #expect(expected.architecture == .ddpm(Self.ddpm))
        for name in ["wrapped.pt", "new.safetensors", "old.bin"] {
            let store = try Self.convert(folder.path(name), to: folder.path(name + ".ud2w"))
            #expect(store.contentID == expected.contentID, "\(name)")
            #expect(store.architecture == expected.architecture, "\(name)")
        }
        // With the configuration of the published networks beside it, the same once more; as a folder as well.
        let repository = folder.url.appending(path: "repository")
        try FileManager.default.createDirectory(at: repository, withIntermediateDirectories: false)
        try FileManager.default.copyItem(
            atPath: folder.path("old.bin"),
            toPath: repository.appending(path: "diffusion_pytorch_model.bin").path(percentEncoded: false))
        try FileManager.default.copyItem(
            at: URL(filePath: Self.fixture("ddpm/config.json")), to: repository.appending(path: "config.json"))
        let whole = try Self.convert(repository.path(percentEncoded: false), to: folder.path("whole.ud2w"))
        #expect(whole.contentID == expected.contentID)
        #expect(whole.architecture == .ddpm(Self.ddpm))
    }

    @Test(
        "every field of config.json is honoured or refused by name",
        arguments: [
            ("flip_sin_to_cos", "true", nil), ("freq_shift", "0", nil), ("norm_eps", "1e-05", nil),
            ("downsample_padding", "1", nil), ("attention_head_dim", "8", nil), ("dropout", "0.1", nil),
            ("sample_size", "99", nil), ("_diffusers_version", "\"0.1\"", nil), ("act_fn", "\"swish\"", nil),
            ("attn_norm_num_groups", "null", nil), ("time_embedding_dim", "128", nil),
            ("_class_name", "\"UNet2DConditionModel\"", "_class_name"), ("freq_shift", "2", "freq_shift"),
            ("downsample_padding", "3", "downsample_padding"), ("attention_head_dim", "5", "attention_head_dim"),
            ("norm_eps", "0", "norm_eps"), ("norm_num_groups", "16", "norm_num_groups"),
            ("act_fn", "\"relu\"", "act_fn"),
            ("mid_block_scale_factor", "1.4142135", "mid_block_scale_factor"),
            ("center_input_sample", "true", "center_input_sample"),
            ("time_embedding_type", "\"fourier\"", "time_embedding_type"), ("add_attention", "false", "add_attention"),
            ("resnet_time_scale_shift", "\"scale_shift\"", "resnet_time_scale_shift"),
            ("downsample_type", "\"resnet\"", "downsample_type"), ("num_class_embeds", "10", "num_class_embeds"),
            ("layers_per_block", "2", "layers_per_block"), ("block_out_channels", "[32,64]", "block_out_channels"),
            ("down_block_types", "[\"DownBlock2D\",\"DownBlock2D\"]", "down_block_types"),
            ("up_block_types", "[\"UpBlock2D\",\"AttnUpBlock2D\"]", "up_block_types"),
            ("down_block_types", "[\"DownBlock2D\",\"AttnSkipDownBlock2D\"]", "down_block_types"),
            ("time_embedding_dim", "64", "time_embedding_dim"), ("in_channels", "1", "in_channels"),
            ("flip_sin_to_cos", "1", "flip_sin_to_cos"), ("a_new_field", "1", "a_new_field"),
        ] as [(String, String, String?)])
    func configuration(field: String, value: String, refused: String?) throws {
        let folder = try TemporaryDirectory()
        let new = try Self.names("pesser_to_diffusers")
        let path = folder.path("diffusion_pytorch_model.safetensors")
        try Self.write(Self.ddpm.parameters, to: path, shapes: Self.diffusersShape, names: { [new[$0] ?? ""] })
        let text = try String(contentsOfFile: Self.fixture("ddpm/config.json"), encoding: .utf8)
        guard case .object(var object) = try JSONValue(parsing: text) else { return }
        object[field] = try JSONValue(parsing: value)
        let config = try JSONValue.object(object).canonicalText()
        try Data(config.utf8).write(to: URL(filePath: folder.path("config.json")))
        do {
            let plan = try ConversionPlan(checkpoint: try Checkpoint.open(path: path))
            #expect(refused == nil)
            guard case .ddpm(let found) = plan.choice.architecture.configuration else { return }
            var expected = Self.ddpm
            switch field {
            case "flip_sin_to_cos": expected.timestepOrder = .cosineFirst
            case "freq_shift": expected.frequencyShift = 0
            case "norm_eps": expected.normEpsilon = 1e-5
            case "downsample_padding": expected.downPadding = .symmetric
            case "attention_head_dim": expected.headChannels = 8
            default: break
            }
            #expect(found == expected)
        } catch let error as UD2MError {
            #expect(error.code == .modelConfig)
            #expect(error.location.entry == refused)
            #expect(error.location.file == folder.path("config.json"))
        }
    }

    @Test("an empty config.json of diffusers means diffusers' defaults, another tool's means nothing")
    func defaults() throws {
        let folder = try TemporaryDirectory()
        let new = try Self.names("pesser_to_diffusers")
        let path = folder.path("diffusion_pytorch_model.safetensors")
        try Self.write(Self.ddpm.parameters, to: path, shapes: Self.diffusersShape, names: { [new[$0] ?? ""] })
        var expected = Self.ddpm
        func found(_ config: String) throws -> ArchitectureConfiguration {
            try Data(config.utf8).write(to: URL(filePath: folder.path("config.json")))
            return try ConversionPlan(checkpoint: try Checkpoint.open(path: path)).choice.architecture.configuration
        }
        #expect(try found(#"{"model_type": "bert"}"#) == .ddpm(expected))
        expected.timestepOrder = .cosineFirst
        expected.frequencyShift = 0
        expected.normEpsilon = 1e-5
        expected.downPadding = .symmetric
        expected.headChannels = 8
        #expect(try found(#"{"_class_name": "UNet2DModel"}"#) == .ddpm(expected))
        do {
            _ = try found("{")
            Issue.record("nothing was thrown")
        } catch let error as UD2MError {
            #expect(error.location.file == folder.path("config.json"))
        }
    }

    @Test("a UNet2DModel may attend on one way only; the tensors say so, with config.json or without")
    func attentionOnOneWay() throws {
        let folder = try TemporaryDirectory()
        let new = try Self.names("pesser_to_diffusers")
        let path = folder.path("diffusion_pytorch_model.safetensors")
        var expected = Self.ddpm
        expected.upAttentionLevels = []
        #expect(expected.parameters.count == Self.ddpm.parameters.count - 2 * 10)
        try Self.write(expected.parameters, to: path, shapes: Self.diffusersShape, names: { [new[$0] ?? ""] })
        #expect(try Self.convert(path, to: folder.path("shapes.ud2w")).architecture == .ddpm(expected))
        let text = try String(contentsOfFile: Self.fixture("ddpm/config.json"), encoding: .utf8)
        guard case .object(var object) = try JSONValue(parsing: text) else { return }
        let config = folder.path("config.json")
        // The configuration of the symmetric network contradicts the tensors.
        try Data(text.utf8).write(to: URL(filePath: config))
        let error = #expect(throws: UD2MError.self) { try Self.convert(path, to: folder.path("none.ud2w")) }
        #expect(error?.location.entry == "up_block_types")
        object["up_block_types"] = .array(["UpBlock2D", "UpBlock2D"])
        try Data(JSONValue.object(object).canonicalText().utf8).write(to: URL(filePath: config))
        let store = try Self.convert(path, to: folder.path("config.ud2w"))
        #expect(store.architecture == .ddpm(expected))
        // Read from its own store, whose names are pesser's, it is the same network again.
        #expect(
            try Self.convert(folder.path("config.ud2w"), to: folder.path("again.ud2w")).architecture == .ddpm(expected))
    }

    @Test("a lost attention weight is missed, and not taken for a level without attention")
    func lostAttention() throws {
        let new = try Self.names("pesser_to_diffusers")
        for lost in ["up.1.attn.0.q.weight", "down.1.attn.0.q.weight"] {
            let tensors = Self.ddpm.parameters.filter { $0.name.text != lost }.map {
                TensorSource(TensorName(new[$0.name.text] ?? ""), [UInt8](), .f32, shape: Self.diffusersShape($0))
            }
            let plan = try ConversionPlan(checkpoint: Checkpoint([StateDict(path: [], tensors: tensors)]))
            #expect(plan.missing.map(\.name.text) == [try #require(new[lost])])
            #expect(plan.unmapped.isEmpty)
        }
    }

    @Test("a store converted again keeps what no tensor tells")
    func storeAgain() throws {
        let folder = try TemporaryDirectory()
        try Self.write(Self.ddpm.parameters, to: folder.path("pesser.ckpt"))
        var options = DetectionOptions(heads: .channels(16))
        options.ddpm.normEpsilon = 1e-5
        options.ddpm.timestepOrder = .cosineFirst
        options.ddpm.frequencyShift = 0
        options.ddpm.downPadding = .symmetric
        let first = try Self.convert(folder.path("pesser.ckpt"), to: folder.path("first.ud2w"), options: options)
        let again = try Self.convert(folder.path("first.ud2w"), to: folder.path("again.ud2w"))
        #expect(again.architecture == first.architecture)
        #expect(again.architecture != .ddpm(Self.ddpm))
    }

    @Test("a list as ddim's training saves it: the last element is the average")
    func listFile() throws {
        let parameters = Self.ddpm.parameters
        func stateDict(_ index: Int, _ prefix: String = "") -> StateDict {
            StateDict(
                path: [String(index)],
                tensors: parameters.map {
                    TensorSource(TensorName(prefix + $0.name.text), [UInt8](), .f32, shape: $0.shape)
                })
        }
        let plan = try ConversionPlan(checkpoint: Checkpoint([stateDict(0, "module."), stateDict(4)]))
        #expect(plan.choice.stateDict.path == ["4"])
        #expect(plan.runnersUp.map(\.stateDict.path) == [["0"]])
        let chosen = try ConversionPlan(
            checkpoint: Checkpoint([stateDict(0, "module."), stateDict(4)]), select: "0")
        #expect(chosen.choice.prefix == "module.")
        #expect(chosen.isComplete)
    }

    @Test("both layouts of RAM give the same weights")
    func layoutsOfRAM() throws {
        let folder = try TemporaryDirectory()
        let configuration = RAMConfiguration(
            widths: [4, 4, 8, 8], blocksPerLevel: 1, imageChannels: [1, 3], flavour: .deepinv)
        let stages = ["m_down1", "m_down2", "m_down3", "m_body", "m_up3", "m_up2", "m_up1"]
        let dead = stages.flatMap { stage in
            ["gain", "gain_gradx", "gain_grady", "gain_pinvx", "gain_pinvy"].map {
                ParameterDescription("\(stage).enc.0.PhysicsBlock.\($0)", [1])
            }
        }
        try Self.write(configuration.parameters, to: folder.path("deepinv.pth"))
        try Self.write(configuration.parameters + dead, to: folder.path("ram.pth.tar"))
        let deepinv = try Self.convert(folder.path("deepinv.pth"), to: folder.path("deepinv.ud2w"))
        let original = try Self.convert(folder.path("ram.pth.tar"), to: folder.path("original.ud2w"))
        #expect(original.contentID == deepinv.contentID)
        #expect(deepinv.architecture == .ram(configuration))
        var other = configuration
        other.flavour = .original
        #expect(original.architecture == .ram(other))
    }

    @Test("a trunk and linear layers from two files, or one file with slices, give the same metric")
    func layoutsOfLPIPS() throws {
        let folder = try TemporaryDirectory()
        let widths = [4, 8, 16, 32, 32]
        let trunk = VGGConfiguration(widths: widths, classifierWidths: [32, 32, 10])
        let whole = LPIPSConfiguration(trunk: .vgg16(VGGConfiguration(widths: widths)), version: .v0_1)
        try Self.write(trunk.parameters, to: folder.path("vgg.pth"))
        let linear = try Checkpoint.open(path: Self.fixture("lpips/lpips_lin_slim16.legacy.pth"))
        let joined = try LPIPSInputs.joining(trunk: try Checkpoint.open(path: folder.path("vgg.pth")), linear: linear)
        let plan = try ConversionPlan(checkpoint: joined)
        try plan.requireComplete()
        #expect(plan.leftOut.flatMap(\.names).count == 6)
        _ = try Converter(plan: plan, toolVersion: "test").write(to: folder.path("joined.ud2w"))
        let store = try WeightStore(path: folder.path("joined.ud2w"))
        #expect(store.architecture == .lpips(whole))
        #expect(Set(store.names) == Set(whole.parameters.map(\.name)))
        for (index, width) in widths.enumerated() {
            #expect(store.tensor(TensorName("lin\(index).model.1.weight"))?.shape == [1, width, 1, 1])
        }
    }

    @Test("the published linear layers fit the published trunks", arguments: ["vgg", "squeeze"])
    func publishedLinearLayers(_ name: String) throws {
        let linear = try Checkpoint.open(path: Self.fixture("lpips/lpips_v0.1_\(name).pth"))
        #expect(linear.container == .torchLegacy)
        let squeezeNet = SqueezeNetConfiguration(
            stemChannels: 64,
            fires: [16, 16, 32, 32, 48, 48, 64, 64].map {
                .init(squeeze: $0, expand1x1: 4 * $0, expand3x3: 4 * $0)
            }, classCount: 1000)
        let parameters =
            name == "vgg" ? VGGConfiguration(widths: [64, 128, 256, 512, 512]).parameters : squeezeNet.parameters
        let tensors = parameters.map { TensorSource($0.name, [UInt8](), .f32, shape: $0.shape) }
        let joined = try LPIPSInputs.joining(
            trunk: Checkpoint([StateDict(path: [], tensors: tensors)]), linear: linear)
        let plan = try ConversionPlan(checkpoint: joined)
        #expect(plan.isComplete)
        #expect(plan.choice.architecture.knownModels.names == ["lpips \(name)"])
    }

    @Test("a file that is no trunk or has no linear layers is named")
    func wrongFiles() throws {
        let linear = try Checkpoint.open(path: Self.fixture("lpips/lpips_v0.1_vgg.pth"))
        let other = Checkpoint([
            StateDict(
                path: [], tensors: Self.ddpm.parameters.map { TensorSource($0.name, [UInt8](), .f32, shape: $0.shape) })
        ])
        for (trunk, linear, code) in [(other, linear, UD2MError.Code.lpipsTrunk), (other, other, .lpipsTrunk)] {
            do {
                _ = try LPIPSInputs.joining(trunk: trunk, linear: linear)
                Issue.record("nothing was thrown")
            } catch let error as UD2MError {
                #expect(error.code == code)
            }
        }
        let vgg = Checkpoint([
            StateDict(
                path: [],
                tensors: VGGConfiguration(widths: [1, 1, 1, 1, 1]).parameters.map {
                    TensorSource($0.name, [UInt8](), .f32, shape: $0.shape)
                })
        ])
        do {
            _ = try LPIPSInputs.joining(trunk: vgg, linear: other)
            Issue.record("nothing was thrown")
        } catch let error as UD2MError {
            #expect(error.code == .lpipsLinear)
        }
    }

    @Test("a checkpoint of UD2M's training holds several networks, which must be asked for")
    func severalNetworks() throws {
        func stateDict(_ path: String, _ parameters: [ParameterDescription]) -> StateDict {
            StateDict(
                path: [path], tensors: parameters.map { TensorSource($0.name, [UInt8](), .f32, shape: $0.shape) })
        }
        let ram = RAMConfiguration(
            widths: [4, 4, 8, 8], blocksPerLevel: 1, imageChannels: [3], flavour: .original)
        let discriminator = DiscriminatorConfiguration(
            imageChannels: 3, imageSize: 32, stemChannels: 8, widths: [8, 8])
        let adapters = stateDict(
            "state_dict",
            [
                ParameterDescription("middle_block.1.qkv.parametrizations.weight.0.lora_A", [12, 5]),
                ParameterDescription("middle_block.1.qkv.parametrizations.weight.0.lora_B", [5, 4]),
            ])
        let networks = [
            stateDict("RAM_state_dict", ram.parameters),
            stateDict("Discriminator_state_dict", discriminator.parameters),
        ]
        func failure(_ stateDicts: [StateDict]) -> UD2MError? {
            do {
                _ = try ConversionPlan(checkpoint: Checkpoint(stateDicts))
                return nil
            } catch { return error as? UD2MError }
        }
        let missing = failure([adapters] + networks)
        #expect(missing?.code == .baseNetworkMissing)
        #expect(missing?.remedy?.contains("--select RAM_state_dict") == true)
        let chosen = try ConversionPlan(checkpoint: Checkpoint([adapters] + networks), select: "RAM_state_dict")
        #expect(chosen.choice.architecture.configuration == .ram(ram))
        // Without adapters the discriminator is what training left behind.
        #expect(try ConversionPlan(checkpoint: Checkpoint(networks)).choice.architecture.family == "ram")
        let two = failure([networks[0], stateDict("prior", Self.ddpm.parameters)])
        #expect(two?.code == .architectureAmbiguous)
        #expect(two?.remedy?.contains("prior") == true)
    }
}
