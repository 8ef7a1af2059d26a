import UD2MFormats
import UD2MRuntime

/// A network as a diffusion prior, for images of any size.
///
/// Images are padded by reflection to the network's size multiple and the result is cropped back. Of a network with a
/// learned variance, the first half of the output is the noise.
public struct NetworkDenoiser: Denoiser {
    /// The network.
    public let network: any RunnableNetwork
    /// Channels of the images.
    public let channels: Int
    /// What computes with images in the memory of the network's device; nil for a network on the CPU.
    package let arithmetic: DeviceArithmetic?
    private let classLabel: Int?

    /// Wraps a network.
    /// - Parameters:
    ///   - network: A network that takes noisy images and a timestep.
    ///   - classLabel: The class of the images, for a class-conditional network.
    /// - Throws: `UD2MError` with code `sampler-configuration` when the network takes other inputs or gives another
    ///   number of channels, or when a label is missing, superfluous or not below the number of classes; the errors of a
    ///   network's device.
    public init(network: any RunnableNetwork, classLabel: Int? = nil) throws {
        var channels: Int?
        var classCount: Int?
        for input in network.inputs {
            switch input.kind {
            case .image(let count, _): channels = count
            case .classLabel(let count): classCount = count
            case .timestep: break
            case .lowResolutionImage:
                throw UD2MError(
                    .samplerConfiguration, "A super-resolution network is not a prior over images.",
                    at: UD2MError.Location(tensor: input.name))
            }
        }
        guard let channels, network.outputChannels == channels || network.outputChannels == 2 * channels else {
            throw UD2MError(
                .samplerConfiguration, "A network with \(network.outputChannels) output channels predicts no noise.")
        }
        if let classCount {
            guard let classLabel, (0..<classCount).contains(classLabel) else {
                throw UD2MError(
                    .samplerConfiguration, "The network needs a class label between 0 and \(classCount - 1).",
                    at: UD2MError.Location(tensor: "y"))
            }
        } else if classLabel != nil {
            throw UD2MError(
                .samplerConfiguration, "The network has no classes and takes no class label.",
                at: UD2MError.Location(tensor: "y"))
        }
        self.network = network
        self.channels = channels
        self.classLabel = classLabel
        arithmetic = try (network as? CUDANetwork).map { try DeviceArithmetic($0.context) }
    }

    /// Runs the network on padded images.
    /// - Throws: `UD2MError` with code `operator-shape`, tensor `x`, unless the images have the network's channels, and
    ///   the network's errors.
    public func predictNoise(_ x: Tensor, timestep: Int) throws -> Tensor {
        let shape = try imageShape(x.shape)
        let padding = ReflectPadding(shape, multiple: network.sizeMultiple)
        var inputs = [
            "x": padding.isNeeded ? try padding.pad(x) : x,
            "t": try Tensor(shape: [shape.images], repeating: Float(timestep)),
        ]
        if let classLabel {
            inputs["y"] = try Tensor(shape: [shape.images], repeating: Float(classLabel))
        }
        guard let output = try network.run(inputs)["out"] else {
            throw UD2MError(.graphInvalid, "The network gave no output.")
        }
        let noise = try withoutVariance(output)
        return padding.isNeeded ? try padding.crop(noise) : noise
    }

    private func imageShape(_ shape: [Int]) throws -> ImageShape {
        let shape = try ImageShape(shape, name: "x")
        guard shape.channels == channels else {
            throw UD2MError(
                .operatorShape, "The network works on images of \(channels) channels, not \(shape.channels).",
                at: UD2MError.Location(tensor: "x"))
        }
        return shape
    }

    /// The first `channels` channels of an output.
    private func withoutVariance(_ output: Tensor) throws -> Tensor {
        guard network.outputChannels != channels, output.shape.count == 4 else { return output }
        let imageSize = output.shape[1] * output.shape[2] * output.shape[3]
        let keptSize = channels * output.shape[2] * output.shape[3]
        let values = (0..<output.shape[0]).flatMap { image in
            output.values[image * imageSize..<image * imageSize + keptSize]
        }
        return try Tensor(
            shape: [output.shape[0], channels, output.shape[2], output.shape[3]], values: values)
    }
}

extension NetworkDenoiser: DeviceDenoiser {
    /// Runs the network on images in its device's memory. Those that must be padded first go through the host.
    /// - Throws: As ``predictNoise(_:timestep:)``; images are not checked for numbers that are not finite.
    package func predictNoise(_ images: [DeviceTensor], timestep: Int) throws -> [DeviceTensor] {
        let shapes = try images.map { try imageShape($0.shape) }
        guard let network = network as? CUDANetwork, let arithmetic,
            shapes.allSatisfy({ !ReflectPadding($0, multiple: network.sizeMultiple).isNeeded })
        else { return try predictNoiseOnHost(images, timestep: timestep) }
        var scalars = ["t": Float(timestep)]
        if let classLabel { scalars["y"] = Float(classLabel) }
        return try network.run(images, scalars: scalars, channels: channels, with: arithmetic)
    }
}
