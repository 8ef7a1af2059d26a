import CUD2MCUDA

/// A convolution as a launch takes it, before it has addresses.
struct DeviceConvolution: Sendable {
    var map: DeviceMap
    var convolution: Convolution
    var bias: DevicePlace?
    /// Values from one image's bias to the next; 0 for a bias of the network.
    var biasStride: Int
    var images: Int
    var output: DevicePart
    var outputHeight: Int
    var outputWidth: Int
    var residual: DevicePart?
    var upsamplesResidual: Bool
    /// Where sums for normalisations go.
    var moments: Int?
    var momentTiles: Int
    /// Where blocks that share the products leave their sums.
    var partials: Int?
    /// 0 where a block computes its outputs alone.
    var splits: Int

    func structure(_ at: DeviceAddresses) throws -> ud2m_cuda_conv {
        var task = ud2m_cuda_conv()
        task.input = try map.structure(at)
        task.weights = UnsafeRawPointer(try at(.weight(convolution.weight)))
        task.bias = UnsafePointer(try bias.flatMap { try at.floats($0) })
        task.bias_stride = Int32(biasStride)
        task.images = Int32(images)
        task.kernel_height = Int32(convolution.kernelHeight)
        task.kernel_width = Int32(convolution.kernelWidth)
        task.step = Int32(convolution.stride)
        task.pad_top = Int32(convolution.padding.top)
        task.pad_left = Int32(convolution.padding.left)
        task.output = try output.structure(at)
        task.output_height = Int32(outputHeight)
        task.output_width = Int32(outputWidth)
        if let residual { task.residual = try residual.structure(at) }
        task.residual_upsampled = upsamplesResidual ? 1 : 0
        task.activation = convolution.activation.deviceNumber
        task.slope = convolution.activation.slope
        task.moments = try moments.flatMap { try at.floats(.arena($0)) }
        task.moment_tiles = Int32(momentTiles)
        task.partials = try partials.flatMap { try at.floats(.arena($0)) }
        task.splits = Int32(splits)
        return task
    }
}
