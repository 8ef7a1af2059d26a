import UD2MFormats

/// A recognisable shape of an ADM U-Net whose heads are known, although no tensor tells them (`networks.md` §1.4).
struct ADMSignature: Sendable {
    /// Heads and row order, with the model that says so.
    struct Attention: Sendable {
        let heads: ADMConfiguration.Heads
        let order: ADMConfiguration.AttentionOrder
        let source: String
    }

    var modelChannels: Int?
    var multipliers: [Double]?
    var residualBlocks: Int?
    /// Attention levels as downsampling rates, such as 8, 16, 32.
    var attentionRates: [Int]?
    var resampling: ADMConfiguration.Resampling?
    var imageChannels: Int?
    var usesScaleShift: Bool?
    var isSuperResolution = false
    let attention: Attention

    /// The known shapes; the first that fits wins.
    static let known: [ADMSignature] = [
        ADMSignature(
            resampling: .convolution, isSuperResolution: true,
            attention: .init(heads: .count(4), order: .legacy, source: "improved-diffusion upsample_cond")),
        ADMSignature(
            modelChannels: 128, multipliers: [1, 1, 2, 2, 4, 4], residualBlocks: 2, attentionRates: [16],
            resampling: .convolution, usesScaleShift: false,
            attention: .init(heads: .count(1), order: .legacy, source: "improved-diffusion lsun_uncond")),
        ADMSignature(
            modelChannels: 192, multipliers: [1, 2, 3, 4], residualBlocks: 3, resampling: .convolution,
            attention: .init(heads: .count(4), order: .legacy, source: "improved-diffusion imagenet64_cond")),
        ADMSignature(
            attentionRates: [8, 16, 32], isSuperResolution: true,
            attention: .init(heads: .count(4), order: .legacy, source: "64_256_upsampler")),
        ADMSignature(
            attentionRates: [16, 32], isSuperResolution: true,
            attention: .init(heads: .channels(64), order: .legacy, source: "128_512_upsampler")),
        ADMSignature(
            modelChannels: 192, multipliers: [1, 2, 3, 4], residualBlocks: 3, resampling: .residualBlock,
            attention: .init(heads: .channels(64), order: .new, source: "64x64_diffusion")),
        ADMSignature(
            modelChannels: 256, multipliers: [1, 1, 2, 3, 4],
            attention: .init(heads: .count(4), order: .legacy, source: "128x128_diffusion")),
        ADMSignature(
            modelChannels: 256, multipliers: [1, 1, 2, 2, 4, 4],
            attention: .init(heads: .channels(64), order: .legacy, source: "256x256_diffusion and LSUN models")),
        ADMSignature(
            modelChannels: 256, multipliers: [0.5, 1, 1, 2, 2, 4, 4],
            attention: .init(heads: .channels(64), order: .legacy, source: "512x512_diffusion")),
        ADMSignature(
            modelChannels: 128, multipliers: [1, 1, 2, 2, 4, 4], residualBlocks: 1, attentionRates: [16],
            attention: .init(heads: .channels(64), order: .legacy, source: "diffusion_ffhq_10m")),
        ADMSignature(
            modelChannels: 64, imageChannels: 1,
            attention: .init(heads: .count(4), order: .legacy, source: "MNIST_diffusion")),
        ADMSignature(
            modelChannels: 128, multipliers: [1, 2, 2, 2], resampling: .residualBlock,
            attention: .init(heads: .channels(64), order: .legacy, source: "CIFAR10_diff")),
        ADMSignature(
            modelChannels: 128, multipliers: [1, 2, 2, 2],
            attention: .init(heads: .count(4), order: .legacy, source: "improved-diffusion cifar10")),
        ADMSignature(
            modelChannels: 128, multipliers: [1, 2, 3, 4], resampling: .convolution,
            attention: .init(heads: .count(4), order: .legacy, source: "improved-diffusion imagenet64")),
        ADMSignature(
            modelChannels: 32, multipliers: [1, 2, 2, 2], residualBlocks: 1, attentionRates: [4, 8],
            resampling: .residualBlock,
            attention: .init(heads: .channels(32), order: .legacy, source: "this project's demo prior")),
    ]

    /// Whether a configuration has this shape; its heads and order are not looked at.
    func matches(_ configuration: ADMConfiguration) -> Bool {
        let ratios = configuration.levelChannels.map { Double($0) / Double(configuration.modelChannels) }
        let rates = configuration.attentionLevels.map { 1 << $0 }
        return isSuperResolution == configuration.isSuperResolution
            && (modelChannels ?? configuration.modelChannels) == configuration.modelChannels
            && (multipliers ?? ratios) == ratios
            && (residualBlocks ?? configuration.residualBlocks) == configuration.residualBlocks
            && (attentionRates ?? rates) == rates
            && (resampling ?? configuration.resampling) == configuration.resampling
            && (usesScaleShift ?? configuration.usesScaleShift) == configuration.usesScaleShift
            && (imageChannels ?? configuration.imageChannels) == configuration.imageChannels
    }
}
