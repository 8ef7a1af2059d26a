import UD2MFormats
import UD2MRuntime

/// Computes in the memory of the denoiser's device. What a device cannot draw or denoise comes from the host.
struct DeviceBackend: SampleBackend {
    let arithmetic: DeviceArithmetic
    private let denoiser: any DeviceDenoiser
    private let noise: any NoiseSource

    /// Nil for a denoiser on the CPU.
    init?(_ denoiser: any Denoiser, _ noise: any NoiseSource) {
        guard let denoiser = denoiser as? any DeviceDenoiser, let arithmetic = denoiser.arithmetic else { return nil }
        self.arithmetic = arithmetic
        self.denoiser = denoiser
        self.noise = noise
    }

    func image(_ tensor: Tensor) throws -> DeviceTensor { try arithmetic.upload(tensor) }

    func tensor(_ image: DeviceTensor) throws -> Tensor { try arithmetic.download(image) }

    func normals(_ draw: NoiseDraw, sample: UInt32, shape: [Int]) throws -> DeviceTensor {
        guard let philox = noise as? PhiloxNoise else {
            return try image(noise.normals(draw, sample: sample, shape: shape))
        }
        return try arithmetic.normals(philox.deviceDraw(draw, sample: sample), shape: shape)
    }

    func noisy(
        _ image: DeviceTensor, _ imageWeight: Double, _ draw: NoiseDraw, sample: UInt32, _ weight: Double
    ) throws -> DeviceTensor {
        guard let philox = noise as? PhiloxNoise else {
            return try combined(image, imageWeight, normals(draw, sample: sample, shape: image.shape), weight)
        }
        return try arithmetic.noisy(image, imageWeight, philox.deviceDraw(draw, sample: sample), weight)
    }

    func combined(
        _ left: DeviceTensor, _ leftWeight: Double, _ right: DeviceTensor, _ rightWeight: Double
    ) throws -> DeviceTensor {
        try arithmetic.sum(DeviceMix(left, leftWeight, right, rightWeight))
    }

    func clamped(_ image: DeviceTensor) throws -> DeviceTensor {
        try arithmetic.sum(DeviceMix(image), isClamped: true)
    }

    func isFinite(_ image: DeviceTensor) throws -> Bool { try arithmetic.isFinite(image) }

    func predictNoise(_ images: [DeviceTensor], timestep: Int) throws -> [DeviceTensor] {
        try denoiser.predictNoise(images, timestep: timestep)
    }
}
