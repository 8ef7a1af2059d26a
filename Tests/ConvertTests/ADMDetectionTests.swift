import Testing
import UD2MConvert
import UD2MFormats

@Suite("ADM detection")
struct ADMDetectionTests {
    /// One row of the configuration table of networks.md §1.2.
    struct Row: Sendable, CustomTestStringConvertible {
        var table: String
        var parameters: Int
        var modelChannels: Int
        var levels: [Int]
        var residualBlocks: Int
        var attentionRates: [Int]
        var classes: Int?
        var heads: ADMConfiguration.Heads
        var order: ADMConfiguration.AttentionOrder = .legacy
        var resampling: ADMConfiguration.Resampling = .residualBlock
        var superResolution = false
        var channels = 3
        var testDescription: String { table }
    }

    static let wide = [256, 256, 512, 512, 1024, 1024]
    static let rows = [
        Row(
            table: "adm_64x64_diffusion", parameters: 295_904_454, modelChannels: 192, levels: [192, 384, 576, 768],
            residualBlocks: 3, attentionRates: [2, 4, 8], classes: 1000, heads: .channels(64), order: .new),
        Row(
            table: "adm_128x128_diffusion", parameters: 421_529_606, modelChannels: 256,
            levels: [256, 256, 512, 768, 1024], residualBlocks: 2, attentionRates: [4, 8, 16], classes: 1000,
            heads: .count(4)),
        Row(
            table: "adm_256x256_diffusion", parameters: 553_838_086, modelChannels: 256, levels: wide,
            residualBlocks: 2, attentionRates: [8, 16, 32], classes: 1000, heads: .channels(64)),
        Row(
            table: "adm_256x256_diffusion_uncond", parameters: 552_814_086, modelChannels: 256, levels: wide,
            residualBlocks: 2, attentionRates: [8, 16, 32], heads: .channels(64)),
        Row(
            table: "adm_512x512_diffusion", parameters: 558_997_638, modelChannels: 256, levels: [128] + wide,
            residualBlocks: 2, attentionRates: [16, 32, 64], classes: 1000, heads: .channels(64)),
        Row(
            table: "adm_64_256_upsampler", parameters: 311_795_910, modelChannels: 192,
            levels: [192, 192, 384, 384, 768, 768], residualBlocks: 2, attentionRates: [8, 16, 32], classes: 1000,
            heads: .count(4), superResolution: true),
        Row(
            table: "adm_128_512_upsampler", parameters: 308_835_270, modelChannels: 192,
            levels: [192, 192, 384, 384, 768, 768], residualBlocks: 2, attentionRates: [16, 32], classes: 1000,
            heads: .channels(64), superResolution: true),
        Row(
            table: "adm_ud2m_diffusion_ffhq_10m", parameters: 93_563_910, modelChannels: 128,
            levels: [128, 128, 256, 256, 512, 512], residualBlocks: 1, attentionRates: [16], heads: .channels(64)),
        Row(
            table: "adm_ud2m_CIFAR10_diff", parameters: 42_858_886, modelChannels: 128,
            levels: [128, 256, 256, 256], residualBlocks: 2, attentionRates: [2], heads: .channels(64)),
        Row(
            table: "adm_ud2m_MNIST_diffusion", parameters: 16_761_409, modelChannels: 64, levels: [64, 128, 256],
            residualBlocks: 2, attentionRates: [2, 4], heads: .count(4), resampling: .convolution, channels: 1),
    ]

    @Test("reads every published configuration off its key table", arguments: rows)
    func published(_ row: Row) throws {
        let table = try KeyTable(row.table)
        let detected = try #require(try ArchitectureRegistry.detect(table.index))
        guard case .adm(let configuration) = detected.configuration else {
            Issue.record("not an ADM U-Net")
            return
        }
        #expect(configuration.modelChannels == row.modelChannels)
        #expect(configuration.levelChannels == row.levels)
        #expect(configuration.residualBlocks == row.residualBlocks)
        #expect(configuration.attentionLevels.map { 1 << $0 } == row.attentionRates)
        #expect(configuration.classCount == row.classes)
        #expect(configuration.heads == row.heads)
        #expect(configuration.attentionOrder == row.order)
        #expect(configuration.resampling == row.resampling)
        #expect(configuration.isSuperResolution == row.superResolution)
        #expect(configuration.imageChannels == row.channels)
        #expect(configuration.usesScaleShift)
        #expect(configuration.learnsVariance == (row.channels == 3))
        #expect(detected.parameterCount == row.parameters)
    }

    @Test("names and shapes of every key table, none missing, none extra", arguments: rows)
    func everyKey(_ row: Row) throws {
        let table = try KeyTable(row.table)
        let detected = try #require(try ArchitectureRegistry.detect(table.index))
        let built = Dictionary(uniqueKeysWithValues: detected.parameters.map { ($0.name, $0.shape) })
        #expect(built == table.shapes)
        #expect(table.parameterCount == row.parameters)
    }

    @Test("an unknown shape needs --heads, and takes them")
    func unknownSignature() throws {
        let odd = IncompleteFileTests.odd
        let shapes = StateDictShapes(Dictionary(uniqueKeysWithValues: odd.parameters.map { ($0.name, $0.shape) }))
        #expect(try ArchitectureRegistry.detect(shapes)?.undecided?.code == .attentionUnknown)
        let given = DetectionOptions(heads: .count(3), attentionOrder: .new)
        let detected = try ArchitectureRegistry.detect(shapes, options: given)
        #expect(detected?.configuration == .adm(odd) && detected?.undecided == nil)
        #expect(throws: UD2MError.self) {
            try ArchitectureRegistry.detect(shapes, options: DetectionOptions(heads: .count(5)))
        }
    }

    @Test("every combination of options is read back", arguments: [1, 2, 3], [true, false])
    func roundTrip(blocks: Int, scaleShift: Bool) throws {
        for resampling in ADMConfiguration.Resampling.allCases {
            for levels in [[32], [32, 64], [64, 32, 96, 128]] {
                for attention in [[], [0], Array(levels.indices)] {
                    // With one level nothing is resampled, and the kind cannot be told.
                    let kind = levels.count == 1 ? .residualBlock : resampling
                    let configuration = ADMConfiguration(
                        imageChannels: 1, inputChannels: 1, outputChannels: 2, modelChannels: 32,
                        levelChannels: levels, residualBlocks: blocks, attentionLevels: attention,
                        heads: .channels(16), attentionOrder: .legacy, usesScaleShift: scaleShift, resampling: kind,
                        classCount: 7, isSuperResolution: false)
                    let parameters = configuration.parameters
                    let shapes = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.shape) })
                    let detected = try ArchitectureRegistry.detect(
                        StateDictShapes(shapes), options: DetectionOptions(heads: .channels(16)))
                    #expect(detected?.configuration == .adm(configuration))
                }
            }
        }
    }

    @Test("a lost tensor that fixes the shape is named")
    func lostTensor() throws {
        var table = try KeyTable("adm_ud2m_MNIST_diffusion")
        table.shapes["time_embed.0.weight"] = nil
        do {
            _ = try ArchitectureRegistry.detect(table.index)
            Issue.record("detected")
        } catch let error {
            #expect(error.code == .architectureTensorMissing)
            #expect(error.location.tensor == "time_embed.0.weight")
        }
    }

    @Test(
        "absurd shapes give an error, not a trap",
        arguments: [[0, 1 << 62], [1 << 62, 0], [], [1 << 40, 1 << 40], [128, 1, 1]])
    func absurdShapes(_ shape: [Int]) throws {
        for name in ["time_embed.0.weight", "input_blocks.0.0.weight", "out.2.weight"] {
            var table = try KeyTable("adm_ud2m_MNIST_diffusion")
            table.shapes[TensorName(name)] = shape
            do {
                _ = try ArchitectureRegistry.detect(table.index)
                Issue.record("detected")
            } catch let error {
                #expect(error.code == .architectureShape)
                #expect(error.location.tensor == name)
            }
        }
    }

    @Test("another network is none of ours")
    func foreign() throws {
        let shapes = StateDictShapes(["conv.weight": [3, 3, 3, 3], "input_blocks.x.y": [1]])
        let detected = try ArchitectureRegistry.detect(shapes)
        #expect(detected?.configuration == nil)
    }
}
