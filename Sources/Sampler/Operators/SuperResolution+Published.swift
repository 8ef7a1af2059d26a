import UD2MFormats
import UD2MRuntime

/// The step that the paper's code takes: it deblurs the enlarged observation (`sampler.md` §8.3).
extension SuperResolution {
    /// x = F⁻¹[(Λ̄·Fu + τ·Fm)/(Λ² + τ)] with u the bilinearly enlarged observation, limited to [-1, 1].
    ///
    /// Λ² is the complex square where |Λ|² would be right; the two are the same for kernels that are symmetric about
    /// their centre pixel, which those of even size are not.
    public func publishedStep(_ objective: ProximalObjective) throws -> Tensor {
        let shape = try observationShape(objective.observation)
        let mean = objective.mergedMean
        try ProximalObjective.require(mean, images: shape, height: height, width: width)
        let enlarged = try LinearInterpolation.upsampled(objective.observation, factor: factor).clamped()
        let blur = blur.thresholded()
        let weight = objective.mergedWeight
        var solution = mean
        for pair in shape.pairs {
            var spectrum = pair.packed(enlarged.values, planeSize: blur.planeSize)
            try blur.fourier.forward(&spectrum)
            blur.multiplyConjugate(&spectrum)
            var centre = pair.packed(mean, planeSize: blur.planeSize)
            try blur.fourier.forward(&centre)
            for frequency in blur.power.indices {
                let (a, b) = (blur.transfer[2 * frequency], blur.transfer[2 * frequency + 1])
                // Λ² + τ, by whose conjugate over its square the numerator is multiplied.
                let (real, imaginary) = (a * a - b * b + weight, 2 * a * b)
                let scale = 1 / (real * real + imaginary * imaginary)
                let left = spectrum[2 * frequency] + weight * centre[2 * frequency]
                let right = spectrum[2 * frequency + 1] + weight * centre[2 * frequency + 1]
                spectrum[2 * frequency] = (left * real + right * imaginary) * scale
                spectrum[2 * frequency + 1] = (right * real - left * imaginary) * scale
            }
            try blur.fourier.inverse(&spectrum)
            pair.unpack(spectrum, planeSize: blur.planeSize, into: &solution)
        }
        return try shape.tensor(height: height, width: width, solution)
    }

    /// The bilinearly enlarged observation, not limited, correlated with the kernel without its small frequencies.
    public func publishedStart(_ observation: Tensor) throws -> Tensor {
        let shape = try observationShape(observation)
        let enlarged = try LinearInterpolation.upsampled(observation, factor: factor)
        let blur = blur.thresholded()
        var planes = [Double](repeating: 0, count: enlarged.values.count)
        for pair in shape.pairs {
            var complex = pair.packed(enlarged.values, planeSize: blur.planeSize)
            try blur.filter(&complex, transposed: true)
            pair.unpack(complex, planeSize: blur.planeSize, into: &planes)
        }
        return try shape.tensor(height: height, width: width, planes)
    }
}
