import Foundation
import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// What samples say together, and whether they are samples of the posterior.
@Suite("the posterior") struct PosteriorTests {
    @Test("mean, deviation, quantiles and coverage are those of the samples")
    func statistics() throws {
        var statistics = try PosteriorStatistics(shape: [1, 1, 1, 2], keepsSamples: true)
        #expect(throws: UD2MError.self) { _ = try statistics.mean() }
        for value: Float in [3, 1, 2, 6] {
            try statistics.add(Tensor(shape: [1, 1, 1, 2], values: [value, 1000 + value]))
        }
        #expect(try statistics.mean().values == [3, 1003])
        let deviation = Float((14.0 / 3).squareRoot())
        #expect(try statistics.standardDeviation().values.allSatisfy { abs($0 - deviation) < 1e-6 })
        // What numpy.quantile([1, 2, 3, 6], q) gives.
        for (probability, expected): (Double, Float) in [(0, 1), (0.25, 1.75), (0.5, 2.5), (0.9, 5.1), (1, 6)] {
            #expect(abs(try statistics.quantile(probability).values[0] - expected) < 1e-5)
        }
        #expect(statistics.last?.values == [6, 1006])
        let inside = try Tensor(shape: [1, 1, 1, 2], values: [2, 2000])
        #expect(try statistics.coverage(of: inside, level: 0.5) == 0.5)
        #expect(throws: UD2MError.self) { _ = try statistics.quantile(1.5) }
        let narrow = try PosteriorStatistics(shape: [1])
        #expect(throws: UD2MError.self) { _ = try narrow.quantile(0.5) }
    }

    /// Independent pixels of one mean and variance, for which everything is known in closed form.
    private struct GaussianPrior: Denoiser {
        let mean = 0.2
        let variance = 0.5
        let schedule = NoiseSchedule.linear

        func predictNoise(_ x: Tensor, timestep: Int) throws -> Tensor {
            let signal = Double(schedule.signalScales[timestep])
            let spread = Double(schedule.noiseScales[timestep])
            // E[ε | x]: x has the variance ᾱv + 1 − ᾱ.
            let scale = spread / (signal * signal * variance + spread * spread)
            return try Tensor(shape: x.shape, values: x.values.map { Float((Double($0) - signal * mean) * scale) })
        }
    }

    /// Mean, variance and covariance of neighbours over images of a circle of pixels.
    private static func moments(_ images: Tensor, width: Int) -> (mean: Double, variance: Double, neighbours: Double) {
        let values = images.values.map { Double($0) }
        let mean = values.reduce(0, +) / Double(values.count)
        var variance = 0.0
        var neighbours = 0.0
        for start in stride(from: 0, to: values.count, by: width) {
            for column in 0..<width {
                let value = values[start + column] - mean
                variance += value * value
                neighbours += value * (values[start + (column + 1) % width] - mean)
            }
        }
        return (mean, variance / Double(values.count), neighbours / Double(values.count))
    }

    @Test("with a Gaussian prior the samples' mean and covariance are the posterior's", arguments: [true, false])
    func gaussian(isLangevin: Bool) throws {
        let width = 12
        let images = 300
        let prior = GaussianPrior()
        let sigma = 0.5
        let blur = try Deblurring(
            kernel: BlurKernel(rows: 1, columns: 3, weights: [1.0 / 3, 1.0 / 3, 1.0 / 3]), height: 1, width: width)
        let level = 0.1
        let sampler = try UnfoldedSampler(
            denoiser: prior, forwardOperator: blur,
            configuration: SamplerConfiguration(
                grid: .quadratic(steps: 1), iterations: 900, noiseLevel: sigma, dataWeight: 1,
                innerLevels: .constant(level), stepFactor: .constant(isLangevin ? 0.5 : 1),
                denoisingStrength: isLangevin ? 0.5 : 1, transition: .mixture(eta: 0), clampsEstimates: false),
            noise: PhiloxNoise(seed: 11))
        // Many images of one observation are as many independent chains.
        let observation = try Tensor(shape: [images, 1, 1, width], repeating: -0.4)
        let found = Self.moments(try sampler.sample(0, observation: observation), width: width)

        // The posterior's covariance is diagonal in frequencies; Λ of the kernel is real. The state at t = 999 has
        // σₜ = 157 and says nothing.
        var variance = 0.0
        var neighbours = 0.0
        for frequency in 0..<width {
            let angle = 2 * Double.pi * Double(frequency) / Double(width)
            let transfer = (1 + 2 * cos(angle)) / 3
            let term = 1 / (1 / prior.variance + transfer * transfer / (sigma * sigma)) / Double(width)
            variance += term
            neighbours += term * cos(angle)
        }
        let mean = (-0.4 / (sigma * sigma) + prior.mean / prior.variance) / (1 / prior.variance + 1 / (sigma * sigma))
        let count = Double(images * width)
        if isLangevin {
            // Four standard errors of the mean, and what the step of ρ² = 0.01 leaves: 0.5 %.
            #expect(abs(found.mean - mean) < 4 * (variance * 3 / count).squareRoot())
            // Four standard errors √(2·3/3600) of correlated pixels, and a bias of up to ρ²·(1/v + 1/σ²)/4 = 1.5 %.
            #expect(abs(found.variance / variance - 1) < 0.18)
            #expect(abs(found.neighbours - neighbours) < 0.18 * variance)
        } else {
            // The paper's iteration has half the posterior's variance at a small step: known, and documented.
            #expect(abs(found.variance / variance - 0.5) < 0.1)
        }
    }
}
