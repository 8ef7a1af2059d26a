import Testing
import UD2MConvert
import UD2MFormats
import UD2MRuntime

/// The graphs of full-size networks name the tensors of published checkpoints: every name and shape, none besides.
@Suite struct KeyTableTests {
    private func expectEqual(_ architecture: ArchitectureConfiguration, _ table: String) throws {
        let weights = try Network.requiredWeights(architecture)
        let shapes = Dictionary(uniqueKeysWithValues: weights.map { ($0.name, $0.shape) })
        let expected = try KeyTable(table).shapes
        #expect(!expected.isEmpty)
        for (name, shape) in expected where shapes[name] != shape {
            Issue.record("\(table): \(name) is \(shapes[name] ?? []), not \(shape)")
        }
        #expect(shapes.keys.filter { expected[$0] == nil } == [])
    }

    @Test(arguments: [
        ("ddpm_lsun256", [128, 128, 256, 256, 512, 512], [4], 113_673_219),
        ("ddpm_cifar10", [128, 256, 256, 256], [1], 35_746_307),
        ("ddpm_celeba64_ddim", [128, 256, 256, 256, 512], [2], 78_700_803),
    ])
    func ddpm(_ table: String, _ levels: [Int], _ attention: [Int], _ parameters: Int) throws {
        let architecture = ArchitectureConfiguration.ddpm(
            DDPMConfiguration(
                modelChannels: 128, levelChannels: levels, residualBlocks: 2, attentionLevels: attention))
        try expectEqual(architecture, table)
        #expect(try parameterCount(architecture) == parameters)
    }

    @Test func vgg() throws {
        let vgg = ArchitectureConfiguration.vgg16(
            VGGConfiguration(widths: [64, 128, 256, 512, 512], classifierWidths: [4096, 4096, 1000]))
        try expectEqual(vgg, "vgg16")
        #expect(try parameterCount(vgg) == 138_357_544)
        let features = VGGConfiguration(widths: [64, 128, 256, 512, 512])
        #expect(try parameterCount(.vgg16(features)) == 14_714_688)
        // The linear layers of LPIPS come on top of its trunk.
        let lpips = LPIPSConfiguration(trunk: .vgg16(features), version: .v0_1)
        #expect(try parameterCount(.lpips(lpips)) == 14_714_688 + 1_472)
    }

    @Test func squeezeNet() throws {
        let fires = [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)]
        let squeezeNet = SqueezeNetConfiguration(
            stemChannels: 64, fires: fires.map { .init(squeeze: $0.0, expand1x1: $0.1, expand3x3: $0.1) },
            classCount: 1000)
        // torchvision's count of squeezenet1_1.
        #expect(try parameterCount(.squeezeNet(squeezeNet)) == 1_235_496)
    }

    @Test func inception() throws {
        let inception = ArchitectureConfiguration.inception(try KeyTable("inception_fid").inception)
        try expectEqual(inception, "inception_fid")
        // Statistics are no parameters.
        let parameters = try Network.requiredWeights(inception)
            .filter { !$0.name.hasSuffix("running_mean") && !$0.name.hasSuffix("running_var") }
        #expect(parameters.reduce(0) { $0 + $1.shape.reduce(1, *) } == 23_850_960)
    }

    @Test func discriminator() throws {
        let discriminator = ArchitectureConfiguration.discriminator(
            DiscriminatorConfiguration(
                imageChannels: 3, imageSize: 256, stemChannels: 32, widths: [64, 128, 256, 128, 64]))
        try expectEqual(discriminator, "disc_256")
        #expect(try parameterCount(discriminator) == 762_209)
    }

    /// Every table of an ADM, DDPM, VGG-16, Inception or discriminator network, whichever names it uses: what is
    /// detected in it is what the graph needs, in the store's names.
    @Test(arguments: [
        ("adm_64x64_diffusion", 295_904_454), ("adm_128x128_diffusion", 421_529_606),
        ("adm_256x256_diffusion", 553_838_086), ("adm_256x256_diffusion_uncond", 552_814_086),
        ("adm_512x512_diffusion", 558_997_638), ("adm_64_256_upsampler", 311_795_910),
        ("adm_128_512_upsampler", 308_835_270), ("adm_ud2m_diffusion_ffhq_10m", 93_563_910),
        ("adm_ud2m_CIFAR10_diff", 42_858_886), ("adm_ud2m_MNIST_diffusion", 16_761_409),
        ("ddpm_lsun256", 113_673_219), ("ddpm_diffusers_bedroom256", 113_673_219), ("ddpm_cifar10", 35_746_307),
        ("ddpm_celeba64_ddim", 78_700_803), ("vgg16", 138_357_544), ("inception_fid", 23_850_960),
        ("disc_256", 762_209),
    ])
    func detectedNetworkHoldsWhatItsGraphNeeds(_ name: String, _ parameters: Int) throws {
        let table = try KeyTable(name)
        let shapes = Dictionary(uniqueKeysWithValues: table.shapes.map { (TensorName($0), $1) })
        let detected = try #require(try ArchitectureRegistry.detect(StateDictShapes(shapes)))
        let weights = try Network.requiredWeights(detected.configuration)
        let found = Dictionary(uniqueKeysWithValues: weights.map { (TensorName($0.name), $0.shape) })
        #expect(found == Dictionary(uniqueKeysWithValues: detected.parameters.map { ($0.name, $0.shape) }))
        // Only diffusers has other names than the store.
        if !name.contains("diffusers") { #expect(found == shapes) }
        let learned = weights.filter { !$0.name.contains(".running_") }
        #expect(learned.reduce(0) { $0 + $1.shape.reduce(1, *) } == parameters)
    }

    private func parameterCount(_ architecture: ArchitectureConfiguration) throws -> Int {
        try Network.requiredWeights(architecture).reduce(0) { $0 + $1.shape.reduce(1, *) }
    }

    /// Numbers that describe no network are refused before anything is built.
    @Test func badConfigurationsAreRefused() throws {
        var ddpm = DDPMConfiguration(
            modelChannels: 32, levelChannels: [32, 32], residualBlocks: 1, attentionLevels: [1])
        ddpm.levelChannels = [40]
        var heads = DDPMConfiguration(
            modelChannels: 32, levelChannels: [32], residualBlocks: 1, attentionLevels: [0])
        heads.headChannels = 24
        let bad: [ArchitectureConfiguration] = [
            .ddpm(ddpm), .ddpm(heads),
            .ddpm(DDPMConfiguration(modelChannels: 2, levelChannels: [32], residualBlocks: 1, attentionLevels: [])),
            .ddpm(DDPMConfiguration(modelChannels: 32, levelChannels: [], residualBlocks: 1, attentionLevels: [])),
            .ddpm(
                DDPMConfiguration(
                    modelChannels: 32, levelChannels: [32], residualBlocks: 1 << 40, attentionLevels: [])),
            .vgg16(VGGConfiguration(widths: [4, 8, 16, 32])),
            .vgg16(VGGConfiguration(widths: [4, 8, 16, 32, Int.max])),
            .vgg16(VGGConfiguration(widths: [4, 8, 16, 32, 32], classifierWidths: [10])),
            .squeezeNet(SqueezeNetConfiguration(stemChannels: 4, fires: [])),
            .inception(InceptionConfiguration(widths: [32], classCount: 10)),
            .discriminator(
                DiscriminatorConfiguration(imageChannels: 3, imageSize: 36, stemChannels: 32, widths: [4, 4, 4])),
            .discriminator(
                DiscriminatorConfiguration(imageChannels: 3, imageSize: .max, stemChannels: 32, widths: [4])),
        ]
        for architecture in bad {
            let error = #expect(throws: UD2MError.self, "\(architecture)") {
                try Network.requiredWeights(architecture)
            }
            #expect(error?.code == .networkConfiguration, "\(architecture)")
        }
    }
}
