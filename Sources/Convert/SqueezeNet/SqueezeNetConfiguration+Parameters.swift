import UD2MFormats

extension SqueezeNetConfiguration {
    /// Every tensor of the network, in the order of torchvision's state dict.
    public var parameters: [ParameterDescription] {
        var list = ParameterList()
        list.convolution("features.0", stemChannels, 3)
        var width = stemChannels
        for (index, fire) in zip(Self.fireIndices, fires) {
            let prefix = "features.\(index)"
            list.convolution("\(prefix).squeeze", fire.squeeze, width, side: 1)
            list.convolution("\(prefix).expand1x1", fire.expand1x1, fire.squeeze, side: 1)
            list.convolution("\(prefix).expand3x3", fire.expand3x3, fire.squeeze)
            width = fire.outputChannels
        }
        if let classCount { list.convolution("classifier.1", classCount, width, side: 1) }
        return list.parameters
    }
}
