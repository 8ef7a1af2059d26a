import UD2MRuntime

/// A diffusion prior: predicts the noise in a noisy image.
public protocol Denoiser: Sendable {
    /// ε̂, the noise in xₜ = √ᾱₜ·x₀ + √(1−ᾱₜ)·ε.
    /// - Parameters:
    ///   - x: Noisy images, NCHW.
    ///   - timestep: t, common to all images.
    /// - Returns: A tensor of the shape of `x`.
    /// - Throws: Whatever keeps the network from running.
    func predictNoise(_ x: Tensor, timestep: Int) throws -> Tensor
}
