import UD2MFormats
import UD2MRuntime

/// The step that the paper's code takes (`sampler.md` §8.1).
extension Deblurring {
    /// Normalised gradient steps for kernels that are not Gaussian.
    private static let gradientSteps = 5

    /// The closed form for a Gaussian kernel, else five gradient steps of length 1 from the anchor.
    ///
    /// The length is that of the whole tensor, so a step moves an image the less the larger its batch is. The weight λ
    /// enters the direction twice, and the adjoint is taken for a convolution with the transposed kernel.
    public func publishedStep(_ objective: ProximalObjective) throws -> Tensor {
        guard kernel.family != .gaussian else {
            let reference =
                thresholdsTransfer
                ? self : try Deblurring(kernel: kernel, height: height, width: width, thresholdsTransfer: true)
            return try reference.proximalStep(objective)
        }
        return try gradientSolution(objective)
    }

    /// Correlates with the kernel, without its small frequencies.
    public func publishedStart(_ observation: Tensor) throws -> Tensor {
        try filtered(observation, name: "observation", blur.thresholded().multiplyConjugate)
    }

    /// The gradient steps, all in the frequency domain: every term of the gradient is a filter, and the norm is the same.
    private func gradientSolution(_ objective: ProximalObjective) throws -> Tensor {
        let shape = try ImageShape(objective.observation, name: "observation")
        try shape.require(height: height, width: width, name: "observation")
        try objective.requireImagesLikeObservation()
        let forward = blur.thresholded()
        let backward = try CircularBlur(kernel: kernel.transposed(), height: height, width: width).thresholded()
        func spectra(_ tensor: Tensor) throws -> [[Double]] {
            try shape.pairs.map { pair in
                var complex = pair.packed(tensor.values, planeSize: blur.planeSize)
                try blur.fourier.forward(&complex)
                return complex
            }
        }
        let observed = try spectra(objective.observation)
        let anchor = try spectra(objective.anchor)
        let state = try spectra(objective.state).map { $0.map { $0 / objective.stateScale } }
        let data = 1 / (objective.dataWeight * objective.noiseLevel * objective.noiseLevel)
        let pull = 1 / objective.stepSize
        let prior = 1 / (objective.stateNoiseLevel * objective.stateNoiseLevel)

        var estimate = anchor
        for _ in 0..<Self.gradientSteps {
            var directions = estimate
            var squares = 0.0
            for pair in estimate.indices {
                var residual = estimate[pair]
                forward.multiply(&residual)
                for part in residual.indices { residual[part] -= observed[pair][part] }
                backward.multiply(&residual)
                for part in residual.indices {
                    let misfit = data * residual[part]
                    let rest =
                        pull * (estimate[pair][part] - anchor[pair][part])
                        + prior * (estimate[pair][part] - state[pair][part])
                    squares += (misfit + rest) * (misfit + rest)
                    directions[pair][part] = misfit / objective.dataWeight + rest
                }
            }
            // Parseval: a spectrum's squares add up to the image's times the number of pixels.
            let length = (squares / Double(blur.planeSize)).squareRoot()
            guard length > 0 else { break }
            for pair in estimate.indices {
                for part in directions[pair].indices { estimate[pair][part] -= directions[pair][part] / length }
            }
        }
        var planes = [Double](repeating: 0, count: objective.anchor.values.count)
        for (pair, index) in zip(shape.pairs, estimate.indices) {
            try blur.fourier.inverse(&estimate[index])
            pair.unpack(estimate[index], planeSize: blur.planeSize, into: &planes)
        }
        return try shape.tensor(height: height, width: width, planes)
    }
}
