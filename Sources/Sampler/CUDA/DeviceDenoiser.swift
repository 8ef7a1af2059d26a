import UD2MFormats
import UD2MRuntime

/// A denoiser that may take and give images in a device's memory.
package protocol DeviceDenoiser: Denoiser {
    /// What computes with images on its device; nil when it works on the CPU after all.
    var arithmetic: DeviceArithmetic? { get }

    /// ε̂ for batches of one shape, which the network is given together.
    /// - Throws: As ``Denoiser/predictNoise(_:timestep:)``, and the device's errors.
    func predictNoise(_ images: [DeviceTensor], timestep: Int) throws -> [DeviceTensor]
}

extension DeviceDenoiser {
    /// ε̂ by way of the host's memory, for what a device cannot do by itself.
    func predictNoiseOnHost(_ images: [DeviceTensor], timestep: Int) throws -> [DeviceTensor] {
        guard let arithmetic else { throw UD2MError(.graphInvalid, "The denoiser has no device.") }
        let batch = try Tensor.batch(images.map { try arithmetic.download($0) })
        return try predictNoise(batch, timestep: timestep).divided(into: images.count).map {
            try arithmetic.upload($0)
        }
    }
}
