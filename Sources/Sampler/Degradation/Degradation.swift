import UD2MFormats
import UD2MRuntime

/// Makes observations from clean images: y = A x + σn.
public enum Degradation {
    /// Degrades an image.
    ///
    /// Pixels that an ``Inpainting`` mask misses are exactly 0, the middle of [-1, 1], without noise.
    /// - Parameters:
    ///   - image: x, NCHW in [-1, 1].
    ///   - forwardOperator: A.
    ///   - noiseLevel: σ in [-1, 1] units, twice that of images in [0, 1]; 0 adds no noise.
    ///   - noise: Where n comes from (draw ``NoiseDraw/observation``).
    /// - Returns: y, of the operator's observation size.
    /// - Throws: `UD2MError` with code `operator-parameter` for a negative or infinite σ, or the operator's errors.
    public static func observe(
        _ image: Tensor, through forwardOperator: some ForwardOperator, noiseLevel: Double, noise: some NoiseSource
    ) throws -> Tensor {
        guard noiseLevel.isFinite, noiseLevel >= 0 else {
            throw UD2MError(.operatorParameter, "A noise level must be positive or zero, not \(noiseLevel).")
        }
        let clean = try forwardOperator.apply(image)
        guard noiseLevel > 0 else { return clean }
        let draw = try noise.normals(.observation, sample: 0, shape: clean.shape)
        let noisy = try clean.combined(1, draw, noiseLevel)
        return forwardOperator is Inpainting ? try forwardOperator.apply(noisy) : noisy
    }
}
