import UD2MFormats

/// Published models of the ADM family and the shapes that tell them apart (`networks.md` §1.2).
struct ADMKnownModel {
    /// The name of the weights' file, without its suffix.
    let name: String
    var modelChannels = 256
    let multipliers: [Double]
    var residualBlocks = 2
    /// Attention levels as downsampling rates.
    let attentionRates: [Int]
    var classCount: Int?
    var imageChannels = 3
    var learnsVariance = true
    var resampling = ADMConfiguration.Resampling.residualBlock
    var isSuperResolution = false

    private static let standard: [Double] = [1, 1, 2, 2, 4, 4]

    /// Every row of the table; several models can have one shape.
    static let all: [ADMKnownModel] =
        [
            ADMKnownModel(
                name: "64x64_diffusion", modelChannels: 192, multipliers: [1, 2, 3, 4], residualBlocks: 3,
                attentionRates: [2, 4, 8], classCount: 1000),
            ADMKnownModel(
                name: "128x128_diffusion", multipliers: [1, 1, 2, 3, 4], attentionRates: [4, 8, 16], classCount: 1000),
            ADMKnownModel(
                name: "256x256_diffusion", multipliers: standard, attentionRates: [8, 16, 32], classCount: 1000),
            ADMKnownModel(
                name: "512x512_diffusion", multipliers: [0.5] + standard, attentionRates: [16, 32, 64],
                classCount: 1000),
            ADMKnownModel(
                name: "64_256_upsampler", modelChannels: 192, multipliers: standard, attentionRates: [8, 16, 32],
                classCount: 1000, isSuperResolution: true),
            ADMKnownModel(
                name: "128_512_upsampler", modelChannels: 192, multipliers: standard, attentionRates: [16, 32],
                classCount: 1000, isSuperResolution: true),
            ADMKnownModel(
                name: "diffusion_ffhq_10m", modelChannels: 128, multipliers: standard, residualBlocks: 1,
                attentionRates: [16]),
            ADMKnownModel(name: "CIFAR10_diff", modelChannels: 128, multipliers: [1, 2, 2, 2], attentionRates: [2]),
            ADMKnownModel(
                name: "MNIST_diffusion", modelChannels: 64, multipliers: [1, 2, 4], attentionRates: [2, 4],
                imageChannels: 1, learnsVariance: false, resampling: .convolution),
        ]
        + ["256x256_diffusion_uncond", "lsun_bedroom", "lsun_cat", "lsun_horse", "lsun_horse_nodropout"].map {
            ADMKnownModel(name: $0, multipliers: standard, attentionRates: [8, 16, 32])
        }

    /// Whether a network has exactly this shape; heads and order are not looked at, since no tensor tells them.
    func matches(_ configuration: ADMConfiguration) -> Bool {
        let widths = multipliers.map { Int($0 * Double(modelChannels)) }
        return configuration.modelChannels == modelChannels && configuration.levelChannels == widths
            && configuration.residualBlocks == residualBlocks
            && configuration.attentionLevels.map { 1 << $0 } == attentionRates
            && configuration.classCount == classCount && configuration.imageChannels == imageChannels
            && configuration.learnsVariance == learnsVariance && configuration.resampling == resampling
            && configuration.isSuperResolution == isSuperResolution && configuration.usesScaleShift
    }
}

extension DetectedArchitecture {
    /// Published models that have exactly this network's shape, such as `["256x256_diffusion_uncond", "lsun_cat"]`.
    public var knownModels: [String] {
        switch configuration {
        case .adm(let configuration): ADMKnownModel.all.filter { $0.matches(configuration) }.map(\.name)
        default: []
        }
    }
}
