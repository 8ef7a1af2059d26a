import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler

/// The settings of `--posterior-spread`.
@Suite("samples that spread as the posterior does") struct PosteriorSpreadTests {
    /// A prior that knows nothing: no image is likelier than another.
    private struct FlatPrior: Denoiser {
        func predictNoise(_ x: Tensor, timestep: Int) throws -> Tensor { try Tensor(shape: x.shape, repeating: 0) }
    }

    /// The deviation of a sample of many independent pixels around their observation, in units of the noise's.
    private func spread(_ sigma: Double) throws -> Double {
        let side = 64
        let forward = try Denoising(height: side, width: side)
        var configuration = SamplerConfiguration(
            grid: try .quadratic(steps: 3), iterations: SamplerConfiguration.posteriorSpreadIterations,
            noiseLevel: sigma, dataWeight: 0.4, innerLevels: .constant(0.5), transition: .mixture(eta: 0.8))
        configuration.setPosteriorSpread()
        let sampler = try UnfoldedSampler(
            denoiser: FlatPrior(), forwardOperator: forward, configuration: configuration, noise: PhiloxNoise(seed: 3))
        let observation = try Tensor(shape: [1, 1, side, side], repeating: 0.125)
        let values = try sampler.sample(0, observation: observation).values.map { Double($0) - 0.125 }
        #expect(abs(values.reduce(0, +) / Double(values.count)) < 0.1 * sigma)
        return (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot() / sigma
    }

    /// With a flat prior the posterior is a Gaussian of the noise's deviation. 4096 pixels tell it to 1.1 %, and the chain
    /// itself is 5 % wide at these levels.
    @Test("a flat prior's samples deviate as the noise does", arguments: [0.05, 0.1, 0.2])
    func flatPrior(sigma: Double) throws {
        #expect(abs(try spread(sigma) - 1) < 0.1)
    }
}
