import UD2MFormats

extension VGGConfiguration {
    /// Every tensor of the network, in the order of torchvision's state dict (`networks.md` §4).
    public var parameters: [ParameterDescription] {
        var list = ParameterList()
        var width = 3
        for (indices, channels) in zip(Self.convolutionIndices, widths) {
            for index in indices {
                list.convolution("features.\(index)", channels, width)
                width = channels
            }
        }
        var inputs = width * Self.classifierGrid * Self.classifierGrid
        for (index, outputs) in zip([0, 3, 6], classifierWidths) {
            list.affine("classifier.\(index)", [outputs, inputs])
            inputs = outputs
        }
        return list.parameters
    }
}
