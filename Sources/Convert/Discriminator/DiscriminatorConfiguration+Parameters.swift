import UD2MFormats

extension DiscriminatorConfiguration {
    /// Every tensor of the network, in the order of its state dict (`networks.md` §6).
    public var parameters: [ParameterDescription] {
        var list = ParameterList()
        var width = stemChannels
        list.convolution("initial_layers.0", width, 2 * imageChannels)
        for (layer, channels) in widths.enumerated() {
            list.convolution("encoder_layers.\(layer).downsample.1", channels, width)
            width = channels
        }
        list.affine("dense_layer.1", [1, width * finalSize * finalSize])
        return list.parameters
    }
}
