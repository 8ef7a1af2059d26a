import UD2MFormats

/// Published models of the DDPM family (`networks.md` §2, §10).
enum DDPMKnownModels {
    private static let wide = DDPMConfiguration(
        modelChannels: 128, levelChannels: [128, 128, 256, 256, 512, 512], residualBlocks: 2, attentionLevels: [4])
    private static let small = DDPMConfiguration(
        modelChannels: 128, levelChannels: [128, 256, 256, 256], residualBlocks: 2, attentionLevels: [1])
    private static let faces = DDPMConfiguration(
        modelChannels: 128, levelChannels: [128, 256, 256, 256, 512], residualBlocks: 2, attentionLevels: [2])

    /// Every model, under pesser's names and both of diffusers'.
    static let all = [
        model("diffusion_lsun_bedroom_model", 256, wide), model("diffusion_lsun_cat_model", 256, wide),
        model("diffusion_lsun_church_model", 256, wide), model("celeba_hq", 256, wide),
        model("diffusion_cifar10_model", 32, small), model("celeba64_ddim", 64, faces),
    ]

    private static func model(_ name: String, _ size: Int, _ configuration: DDPMConfiguration) -> KnownModel {
        let parameters = configuration.parameters
        let levels = configuration.levelChannels.count
        return KnownModel(
            name: name, description: "\(size)×\(size) unconditional", parameters: parameters,
            layouts: DDPMNames.Convention.allCases.map {
                DDPMNames(convention: $0, levels: levels).layout(parameters)
            })
    }
}
