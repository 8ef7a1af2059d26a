import UD2MFormats

/// Published models of the ADM family and the shapes that tell them apart (`networks.md` §1.2; the flags of
/// improved-diffusion's README for its models).
struct ADMKnownModel {
    /// The name of the weights' file, without its suffix.
    let name: String
    /// Sides of the images it was trained on, in pixels.
    let imageSize: Int
    var modelChannels = 256
    let multipliers: [Double]
    var residualBlocks = 2
    /// Attention levels as downsampling rates.
    let attentionRates: [Int]
    var classCount: Int?
    var imageChannels = 3
    var learnsVariance = true
    var usesScaleShift = true
    var resampling = ADMConfiguration.Resampling.residualBlock
    var isSuperResolution = false

    private static let standard: [Double] = [1, 1, 2, 2, 4, 4]

    /// Every row of the table; several models can have one shape.
    static let all: [ADMKnownModel] = guidedDiffusion + unfolded + improvedDiffusion

    private static let guidedDiffusion =
        [
            ADMKnownModel(
                name: "64x64_diffusion", imageSize: 64, modelChannels: 192, multipliers: [1, 2, 3, 4],
                residualBlocks: 3, attentionRates: [2, 4, 8], classCount: 1000),
            ADMKnownModel(
                name: "128x128_diffusion", imageSize: 128, multipliers: [1, 1, 2, 3, 4], attentionRates: [4, 8, 16],
                classCount: 1000),
            ADMKnownModel(
                name: "256x256_diffusion", imageSize: 256, multipliers: standard, attentionRates: [8, 16, 32],
                classCount: 1000),
            ADMKnownModel(
                name: "512x512_diffusion", imageSize: 512, multipliers: [0.5] + standard,
                attentionRates: [16, 32, 64], classCount: 1000),
            ADMKnownModel(
                name: "64_256_upsampler", imageSize: 256, modelChannels: 192, multipliers: standard,
                attentionRates: [8, 16, 32], classCount: 1000, isSuperResolution: true),
            ADMKnownModel(
                name: "128_512_upsampler", imageSize: 512, modelChannels: 192, multipliers: standard,
                attentionRates: [16, 32], classCount: 1000, isSuperResolution: true),
        ]
        + ["256x256_diffusion_uncond", "lsun_bedroom", "lsun_cat", "lsun_horse", "lsun_horse_nodropout"].map {
            ADMKnownModel(name: $0, imageSize: 256, multipliers: standard, attentionRates: [8, 16, 32])
        }

    private static let unfolded = [
        ADMKnownModel(
            name: "diffusion_ffhq_10m", imageSize: 256, modelChannels: 128, multipliers: standard,
            residualBlocks: 1, attentionRates: [16]),
        ADMKnownModel(
            name: "CIFAR10_diff", imageSize: 32, modelChannels: 128, multipliers: [1, 2, 2, 2], attentionRates: [2]),
        ADMKnownModel(
            name: "MNIST_diffusion", imageSize: 32, modelChannels: 64, multipliers: [1, 2, 4],
            attentionRates: [2, 4], imageChannels: 1, learnsVariance: false, resampling: .convolution),
    ]

    private static let improvedDiffusion =
        ["imagenet64_uncond_100M_1500K", "imagenet64_uncond_vlb_100M_1500K"].map {
            ADMKnownModel(
                name: $0, imageSize: 64, modelChannels: 128, multipliers: [1, 2, 3, 4], residualBlocks: 3,
                attentionRates: [4, 8], resampling: .convolution)
        }
        + ["cifar10_uncond_50M_500K", "cifar10_uncond_vlb_50M_500K"].map {
            ADMKnownModel(
                name: $0, imageSize: 32, modelChannels: 128, multipliers: [1, 2, 2, 2], residualBlocks: 3,
                attentionRates: [2, 4], resampling: .convolution)
        }
        + ["lsun_uncond_100M_1200K_bs128", "lsun_uncond_100M_2400K_bs64"].map {
            ADMKnownModel(
                name: $0, imageSize: 256, modelChannels: 128, multipliers: standard, attentionRates: [16],
                usesScaleShift: false, resampling: .convolution)
        }
        + [
            ADMKnownModel(
                name: "imagenet64_cond_270M_250K", imageSize: 64, modelChannels: 192, multipliers: [1, 2, 3, 4],
                residualBlocks: 3, attentionRates: [4, 8], classCount: 1000, resampling: .convolution),
            ADMKnownModel(
                name: "upsample_cond_500K", imageSize: 256, modelChannels: 192, multipliers: standard,
                attentionRates: [16, 32], classCount: 1000, resampling: .convolution, isSuperResolution: true),
        ]

    /// The tensors; heads and order have none.
    private var configuration: ADMConfiguration {
        ADMConfiguration(
            imageChannels: imageChannels, inputChannels: imageChannels * (isSuperResolution ? 2 : 1),
            outputChannels: imageChannels * (learnsVariance ? 2 : 1), modelChannels: modelChannels,
            levelChannels: multipliers.map { Int($0 * Double(modelChannels)) }, residualBlocks: residualBlocks,
            attentionLevels: attentionRates.map(\.trailingZeroBitCount), heads: .count(1), attentionOrder: .legacy,
            usesScaleShift: usesScaleShift, resampling: resampling, classCount: classCount,
            isSuperResolution: isSuperResolution)
    }

    /// What the model is, such as "256×256 unconditional".
    private var description: String {
        let condition = classCount == nil ? "unconditional" : "class-conditional"
        return "\(imageSize)×\(imageSize) " + (isSuperResolution ? "super-resolution" : condition)
    }

    /// The rows as the registry compares with them; models of one shape share its list of tensors.
    ///
    /// The lists of all rows take as long to build as a checkpoint's header takes to read: `isWanted` says which are.
    static func published(where isWanted: (ADMConfiguration) -> Bool = { _ in true }) -> [KnownModel] {
        var lists: [ADMConfiguration: [ParameterDescription]] = [:]
        return all.compactMap { model in
            let configuration = model.configuration
            guard isWanted(configuration) else { return nil }
            let parameters = lists[configuration] ?? configuration.parameters
            lists[configuration] = parameters
            return KnownModel(name: model.name, description: model.description, parameters: parameters)
        }
    }
}
