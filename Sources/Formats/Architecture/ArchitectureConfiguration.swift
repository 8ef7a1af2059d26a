/// The network a weight store holds: written by Convert, read by Runtime.
public enum ArchitectureConfiguration: Sendable, Hashable {
    /// An ADM U-Net.
    case adm(ADMConfiguration)
    /// A DDPM U-Net.
    case ddpm(DDPMConfiguration)
    /// A RAM network.
    case ram(RAMConfiguration)
    /// A VGG-16 network.
    case vgg16(VGGConfiguration)
    /// A SqueezeNet 1.1 network.
    case squeezeNet(SqueezeNetConfiguration)
    /// A feature network with the linear layers of LPIPS.
    case lpips(LPIPSConfiguration)
    /// The Inception-v3 of FID.
    case inception(InceptionConfiguration)
    /// UD2M's discriminator.
    case discriminator(DiscriminatorConfiguration)
}
