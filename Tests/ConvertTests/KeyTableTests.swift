import Testing
import UD2MConvert
import UD2MFormats

/// Every key and shape of the published networks beside ADM, and the parameter counts of `networks.md` §0.
@Suite("Key tables")
struct KeyTableTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let table: String
        let family: String
        let parameters: Int
        let tensors: Int
        /// The known models of this shape, at least.
        let model: String
        var testDescription: String { table }
    }

    static let rows = [
        Row(
            table: "ddpm_lsun256", family: "ddpm", parameters: 113_673_219, tensors: 450,
            model: "diffusion_lsun_bedroom_model"),
        Row(
            table: "ddpm_diffusers_bedroom256", family: "ddpm", parameters: 113_673_219, tensors: 450,
            model: "diffusion_lsun_bedroom_model"),
        Row(
            table: "ddpm_cifar10", family: "ddpm", parameters: 35_746_307, tensors: 328,
            model: "diffusion_cifar10_model"),
        Row(
            table: "ddpm_celeba64_ddim", family: "ddpm", parameters: 78_700_803, tensors: 390, model: "celeba64_ddim"),
        Row(table: "ram_original", family: "ram", parameters: 35_618_953, tensors: 825, model: "ram"),
        Row(table: "vgg16", family: "vgg16", parameters: 138_357_544, tensors: 32, model: "vgg16"),
        Row(
            table: "inception_fid", family: "inception", parameters: 23_850_960, tensors: 566,
            model: "pt_inception-2015-12-05"),
        Row(
            table: "disc_256", family: "discriminator", parameters: 762_209, tensors: 14, model: "discriminator_256"),
    ]

    @Test("names and shapes of every table, none missing, none extra", arguments: rows)
    func everyKey(_ row: Row) throws {
        let table = try KeyTable(row.table)
        #expect(table.shapes.count == row.tensors)
        let detected = try #require(try ArchitectureRegistry.detect(table.index))
        #expect(detected.family == row.family)
        #expect(detected.publishedParameterCount == row.parameters)
        #expect(detected.knownModels.names.contains(row.model))
        let plan = try Self.plan(table.shapes)
        #expect(plan.mismatches.isEmpty)
        #expect(plan.isComplete)
        #expect(plan.mapped.count + plan.leftOut.reduce(0) { $0 + $1.names.count } == row.tensors)
        // The store's spelling: the same elements under names and shapes of the network's own.
        #expect(plan.mapped.map(\.name) == detected.parameters.map(\.name))
        #expect(plan.mapped.map(\.shape) == detected.parameters.map(\.shape))
    }

    @Test("diffusers' file and pesser's give one store layout")
    func oneLayout() throws {
        let pesser = try #require(try ArchitectureRegistry.detect(KeyTable("ddpm_lsun256").index))
        let diffusers = try #require(try ArchitectureRegistry.detect(KeyTable("ddpm_diffusers_bedroom256").index))
        #expect(pesser.configuration == diffusers.configuration)
        #expect(pesser.parameters == diffusers.parameters)
    }

    @Test("counts of the networks that have no table")
    func counts() throws {
        let original = RAMConfiguration(
            widths: [64, 128, 256, 512], blocksPerLevel: 4, imageChannels: [1, 2, 3], flavour: .deepinv)
        #expect(original.parameters.count == 685)
        #expect(original.parameters.reduce(0) { $0 + $1.count } == 35_618_813)
        let vgg = VGGConfiguration(widths: [64, 128, 256, 512, 512])
        #expect(vgg.parameters.count == 26)
        #expect(vgg.parameters.reduce(0) { $0 + $1.count } == 14_714_688)
        let lpips = LPIPSConfiguration(trunk: .vgg16(vgg), version: .v0_1)
        #expect(lpips.parameters.reduce(0) { $0 + $1.count } == 14_714_688 + 1_472)
        for (size, channels, widths, count) in [
            (128, 3, [64, 128, 256, 128, 64], 759_137), (64, 3, [64, 128, 64], 172_001),
            (32, 3, [64, 128, 64], 168_929), (32, 1, [64, 128, 64], 167_777),
        ] {
            let configuration = DiscriminatorConfiguration(
                imageChannels: channels, imageSize: size, stemChannels: 32, widths: widths)
            #expect(configuration.parameters.reduce(0) { $0 + $1.count } == count)
        }
        var adm = ADMConfiguration(
            imageChannels: 3, inputChannels: 3, outputChannels: 6, modelChannels: 256,
            levelChannels: [128, 256, 256, 512, 512, 1024, 1024], residualBlocks: 2, attentionLevels: [4, 5, 6],
            heads: .channels(64), attentionOrder: .legacy, usesScaleShift: true, resampling: .residualBlock,
            classCount: nil, isSuperResolution: false)
        #expect(adm.parameters.count == 644)
        #expect(adm.parameters.reduce(0) { $0 + $1.count } == 557_973_638)
        adm.classCount = 1000
        #expect(adm.parameters.reduce(0) { $0 + $1.count } == 558_997_638)
    }

    @Test("Inception's table without the counters of batches")
    func countersMayBeAbsent() throws {
        let table = try KeyTable("inception_fid")
        let shapes = table.shapes.filter { !$0.key.text.hasSuffix("num_batches_tracked") }
        #expect(shapes.count == 472)
        let plan = try Self.plan(shapes)
        #expect(plan.isComplete && plan.leftOut.isEmpty && plan.mapped.count == 472)
    }

    @Test("RAM without the gains that no formula uses is deepinv's")
    func layoutsOfRAM() throws {
        let table = try KeyTable("ram_original")
        let shapes = table.shapes.filter { !$0.key.text.contains("PhysicsBlock.gain") }
        #expect(shapes.count == 685)
        let plan = try Self.plan(shapes)
        #expect(plan.isComplete && plan.leftOut.isEmpty)
        #expect(plan.choice.architecture.publishedParameterCount == 35_618_813)
        #expect(Self.flavour(plan) == .deepinv)
        let original = try Self.plan(table.shapes)
        #expect(Self.flavour(original) == .original)
        #expect(original.leftOut.first?.names.count == 140)
        // Each of them may be absent, the first too.
        for lost in [
            ["m_down1.enc.0.PhysicsBlock.gain"],
            ["m_up1.enc.3.PhysicsBlock.gain_pinvy", "m_body.enc.0.PhysicsBlock.gain"],
        ] {
            let rest = try Self.plan(table.shapes.filter { !lost.contains($0.key.text) })
            #expect(rest.isComplete)
            #expect(rest.leftOut.first?.names.count == 140 - lost.count)
            #expect(rest.leftOut.first?.reason.hasPrefix("\(140 - lost.count) of the 140 ") == true)
            #expect(rest.choice.architecture.publishedParameterCount == 35_618_953 - lost.count)
            #expect(Self.flavour(rest) == .original)
        }
        var options = DetectionOptions()
        options.ramFlavour = .deepinv
        #expect(Self.flavour(try Self.plan(table.shapes, options: options)) == .deepinv)
        // UD2M runs the original whatever layout its checkpoint has.
        #expect(Self.flavour(try Self.plan(shapes, path: ["RAM_state_dict"])) == .original)
    }

    static func flavour(_ plan: ConversionPlan) -> RAMConfiguration.Flavour? {
        if case .ram(let ram) = plan.choice.architecture.configuration { ram.flavour } else { nil }
    }

    /// A plan over tensors without bytes: planning reads none.
    static func plan(
        _ shapes: [TensorName: [Int]], path: [String] = [], options: DetectionOptions = DetectionOptions()
    ) throws -> ConversionPlan {
        let tensors = shapes.sorted { $0.key < $1.key }.map { name, shape in
            let type: ElementType = name.text.hasSuffix("num_batches_tracked") ? .i64 : .f32
            return TensorSource(name, [UInt8](), type, shape: shape)
        }
        return try ConversionPlan(
            checkpoint: Checkpoint([StateDict(path: path, tensors: tensors)]), options: options)
    }
}
