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
    static let all =
        models(
            [
                "diffusion_lsun_bedroom_model", "diffusion_lsun_cat_model", "diffusion_lsun_church_model", "celeba_hq",
            ], 256, wide)
        + models(["diffusion_cifar10_model"], 32, small) + models(["celeba64_ddim"], 64, faces)

    /// Models of one shape, which share its lists of tensors.
    private static func models(_ names: [String], _ size: Int, _ configuration: DDPMConfiguration) -> [KnownModel] {
        let parameters = configuration.parameters
        let levels = configuration.levelChannels.count
        let layouts = DDPMNames.Convention.allCases.map {
            DDPMNames(convention: $0, levels: levels).layout(parameters)
        }
        return names.map {
            KnownModel(
                name: $0, description: "\(size)×\(size) unconditional", parameters: parameters, layouts: layouts)
        }
    }
}
