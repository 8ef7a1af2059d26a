import UD2MFormats
import UD2MRuntime

/// Where the images of a sampler's loop lie, and what computes with them: the CPU (``HostBackend``) or a device
/// (``DeviceBackend``). An image is the batch that belongs to one sample, NCHW.
protocol SampleBackend {
    associatedtype Image

    /// Brings a tensor to where images lie.
    func image(_ tensor: Tensor) throws -> Image

    /// The image as a tensor of the host.
    func tensor(_ image: Image) throws -> Tensor

    /// Standard normal noise.
    func normals(_ draw: NoiseDraw, sample: UInt32, shape: [Int]) throws -> Image

    /// imageWeight·image + weight·n with a draw's noise n, rounded once.
    func noisy(
        _ image: Image, _ imageWeight: Double, _ draw: NoiseDraw, sample: UInt32, _ weight: Double
    ) throws -> Image

    /// leftWeight·left + rightWeight·right, rounded once.
    func combined(_ left: Image, _ leftWeight: Double, _ right: Image, _ rightWeight: Double) throws -> Image

    /// The image with every value limited to [-1, 1].
    func clamped(_ image: Image) throws -> Image

    /// Whether every value is finite.
    func isFinite(_ image: Image) throws -> Bool

    /// The denoiser's ε̂ for images of one shape, which it is given together.
    func predictNoise(_ images: [Image], timestep: Int) throws -> [Image]
}

/// The likelihood of one observation, on the images of a backend.
protocol LikelihoodStep<Image> {
    associatedtype Image

    /// The minimiser of a ``ProximalObjective``.
    func proximal(anchor: Image, state: Image, _ scalars: ProximalScalars) throws -> Image
}

/// Computes on the CPU.
struct HostBackend: SampleBackend {
    let denoiser: any Denoiser
    let noise: any NoiseSource

    func image(_ tensor: Tensor) -> Tensor { tensor }

    func tensor(_ image: Tensor) -> Tensor { image }

    func normals(_ draw: NoiseDraw, sample: UInt32, shape: [Int]) throws -> Tensor {
        try noise.normals(draw, sample: sample, shape: shape)
    }

    func noisy(
        _ image: Tensor, _ imageWeight: Double, _ draw: NoiseDraw, sample: UInt32, _ weight: Double
    ) throws -> Tensor {
        try image.combined(imageWeight, normals(draw, sample: sample, shape: image.shape), weight)
    }

    func combined(_ left: Tensor, _ leftWeight: Double, _ right: Tensor, _ rightWeight: Double) throws -> Tensor {
        try left.combined(leftWeight, right, rightWeight)
    }

    func clamped(_ image: Tensor) throws -> Tensor { try image.clamped() }

    func isFinite(_ image: Tensor) -> Bool { image.isFinite }

    func predictNoise(_ images: [Tensor], timestep: Int) throws -> [Tensor] {
        let batch = images.count == 1 ? images[0] : try Tensor.batch(images)
        return try denoiser.predictNoise(batch, timestep: timestep).divided(into: images.count)
    }
}

/// An operator's proximal step on the CPU.
struct HostLikelihood: LikelihoodStep {
    let forwardOperator: any ForwardOperator
    let observation: Tensor

    func proximal(anchor: Tensor, state: Tensor, _ scalars: ProximalScalars) throws -> Tensor {
        try forwardOperator.proximalStep(
            ProximalObjective(observation: observation, state: state, anchor: anchor, scalars: scalars))
    }
}
