import Foundation
import Synchronization
import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler

/// The exact denoiser of pixels that are independent with a normal prior.
struct GaussianPrior: Denoiser {
    let mean: Double
    let variance: Double
    let schedule = NoiseSchedule.linear

    /// E[x₀ | x₀ + level·n = noisy].
    func estimate(_ noisy: Double, level: Double) -> Double {
        (variance * noisy + level * level * mean) / (variance + level * level)
    }

    func predictNoise(_ x: Tensor, timestep: Int) throws -> Tensor {
        let signal = Double(schedule.signalScales[timestep])
        let noise = Double(schedule.noiseScales[timestep])
        return try Tensor(
            shape: x.shape,
            values: x.values.map {
                Float((Double($0) - signal * estimate(Double($0) / signal, level: noise / signal)) / noise)
            })
    }
}

/// No noise at all, to see where the iteration settles.
struct SilentNoise: NoiseSource {
    func normals(_ draw: NoiseDraw, sample: UInt32, shape: [Int]) throws -> Tensor {
        try Tensor(shape: shape, repeating: 0)
    }

    func uniforms(_ draw: NoiseDraw, sample: UInt32, shape: [Int]) throws -> Tensor {
        try Tensor(shape: shape, repeating: 0)
    }
}

/// A denoiser that counts its calls and can fail by giving NaN.
final class CountingDenoiser: Denoiser {
    let calls = Atomic<Int>(0)
    let result: Float

    init(result: Float = 0) {
        self.result = result
    }

    func predictNoise(_ x: Tensor, timestep: Int) throws -> Tensor {
        calls.add(1, ordering: .relaxed)
        return try Tensor(shape: x.shape, repeating: result)
    }
}

/// The loop, with priors for which its outcome is known.
@Suite struct UnfoldedSamplerTests {
    let schedule = NoiseSchedule.linear
    let prior = GaussianPrior(mean: 0.3, variance: 0.25)

    /// N = 1 with K iterations at one level: the level of timestep `inner`.
    private func steady(_ inner: Int, iterations: Int, noiseLevel: Double) throws -> SamplerConfiguration {
        let level = Double(schedule.sigmas[inner])
        return SamplerConfiguration(
            grid: try .quadratic(steps: 1), iterations: iterations, noiseLevel: noiseLevel, dataWeight: 1,
            innerLevels: .geometric(from: level, to: level), transition: .mixture(eta: 0), clampsEstimates: false)
    }

    @Test func withoutNoiseItSettlesAtThePosteriorMean() throws {
        // The fixed point of prox and denoiser is the posterior mean of z under a prior of variance v + ρ², passed
        // through the denoiser once; the state at t = 999 is 0 here and counts with precision 1/σ_t².
        let mask = try Mask(height: 1, width: 4, kept: [true, false, true, true])
        let y: [Float] = [0.8, 0, -0.4, 0.1]
        let configuration = try steady(150, iterations: 100, noiseLevel: 0.4)
        let sampler = try UnfoldedSampler(
            denoiser: prior, forwardOperator: Inpainting(mask: mask), configuration: configuration,
            noise: SilentNoise())
        let result = try sampler.sample(0, observation: Tensor(shape: [1, 1, 1, 4], values: y))
        let level = configuration.innerLevels.value(0, of: configuration.evaluationCount)
        let wide = prior.variance + level * level
        let expected = zip(y, mask.kept).map { value, isKept in
            let data = isKept ? 1 / (0.4 * 0.4) : 0
            let state = 1 / Double(schedule.sigmas[999] * schedule.sigmas[999])
            let z = (data * Double(value) + prior.mean / wide) / (data + state + 1 / wide)
            return prior.estimate(z, level: level)
        }
        #expect(largestDifference(result.values.map { Double($0) }, expected) < 2e-6)
    }

    @Test func withNoiseItHasTheVarianceOfItsChain() throws {
        // s' = a(g·s + h + ρn) + b with a = v/(v+ρ²) and g = ρ⁻²/(σ⁻² + ρ⁻²) has the variance a²ρ²/(1 − a²g²).
        let side = 128
        let mask = try Mask(height: side, width: side, kept: Array(repeating: true, count: side * side))
        let configuration = try steady(100, iterations: 40, noiseLevel: 0.5)
        let sampler = try UnfoldedSampler(
            denoiser: prior, forwardOperator: Inpainting(mask: mask), configuration: configuration,
            noise: PhiloxNoise(seed: 1))
        let result = try sampler.sample(0, observation: Tensor(shape: [1, 1, side, side], repeating: -0.2))
        let level = configuration.innerLevels.value(0, of: configuration.evaluationCount)
        let a = prior.variance / (prior.variance + level * level)
        let g = 1 / (level * level) / (1 / 0.25 + 1 / (level * level))
        let variance = a * a * level * level / (1 - a * a * g * g)
        let wide = prior.variance + level * level
        let mean = prior.estimate((4 * -0.2 + prior.mean / wide) / (4 + 1 / wide), level: level)
        let count = Double(side * side)
        let measuredMean = result.values.reduce(0) { $0 + Double($1) } / count
        let measured = result.values.reduce(0) { $0 + pow(Double($1) - measuredMean, 2) } / count
        // Four standard errors: σ/128, and √2/128 relative.
        #expect(abs(measuredMean - mean) < 4 * variance.squareRoot() / 128)
        #expect(abs(measured / variance - 1) < 0.045)
    }

    @Test func threeStepsFollowTheAlgorithmPixelByPixel() throws {
        // The whole algorithm for one pixel at a time, in doubles, with the same draws.
        let noise = PhiloxNoise(seed: 77, item: 5)
        let shape = [1, 1, 2, 3]
        let mask = try Mask(height: 2, width: 3, kept: [true, true, false, true, false, true])
        let configuration = SamplerConfiguration(
            grid: try .quadratic(steps: 3), iterations: 2, noiseLevel: 0.1,
            dataWeight: .each([0.6, 0.5, 0.8, 0.7, 1.1, 0.3]),
            innerLevels: .geometric(from: 1, to: 0.06),
            stepFactor: .each([1.5, 1.2, 1, 0.8, 2, 0.5]), transition: .mixture(eta: 0.8))
        let sampler = try UnfoldedSampler(
            denoiser: prior, forwardOperator: Inpainting(mask: mask), configuration: configuration, noise: noise)
        let observation = try Tensor.random(shape, seed: 4)
        let result = try sampler.sample(6, observation: observation)

        func draw(_ draw: NoiseDraw, _ pixel: Int) throws -> Double {
            Double(try noise.normals(draw, sample: 6, shape: shape).values[pixel])
        }
        for pixel in 0..<6 {
            let y = Double(observation.values[pixel])
            var x = mask.kept[pixel] ? y : 0
            var state = try draw(.initialState, pixel)
            for (step, t) in [999, 444, 111].enumerated() {
                let (signal, spread) = (Double(schedule.signalScales[t]), Double(schedule.noiseScales[t]))
                for iteration in 0..<2 {
                    let index = 2 * step + iteration
                    let level = pow(0.06, Double(index) / 5)
                    let lambda = [0.6, 0.5, 0.8, 0.7, 1.1, 0.3][index]
                    let factor = [1.5, 1.2, 1, 0.8, 2, 0.5][index]
                    let weights = [
                        mask.kept[pixel] ? 1 / (lambda * 0.01) : 0, signal * signal / (spread * spread),
                        1 / (factor * level * level),
                    ]
                    let sum = weights[0] * y + weights[1] * state / signal + weights[2] * x
                    let z = sum / weights.reduce(0, +)
                    let sigma = Double(schedule.sigmas[schedule.nearestTimestep(sigma: level)])
                    let fresh = try draw(.denoising(step: UInt16(step), iteration: UInt16(iteration)), pixel)
                    x = min(max(prior.estimate(z + sigma * fresh, level: sigma), -1), 1)
                }
                guard step < 2 else { break }
                let next = [444, 111][step]
                let epsilon = (state - signal * x) / spread
                let fresh = try draw(.transition(step: UInt16(step), part: 0), pixel)
                state =
                    Double(schedule.signalScales[next]) * x
                    + Double(schedule.noiseScales[next]) * (0.6 * epsilon + 0.8 * fresh)
            }
            #expect(abs(Double(result.values[pixel]) - x) < 1e-5)
        }
    }

    @Test func samplesDependOnSeedItemAndIndexOnly() throws {
        let blur = try Deblurring(kernel: .gaussian(size: 3, variance: 1), height: 6, width: 8)
        let observation = try Tensor.random([1, 3, 6, 8], seed: 2)
        func sampler(_ seed: UInt64, _ item: UInt64) throws -> UnfoldedSampler {
            try UnfoldedSampler(
                denoiser: prior, forwardOperator: blur,
                configuration: ZeroShotRecipe.deblurring.configuration(noiseLevel: 0.05, sampleCount: 3),
                noise: PhiloxNoise(seed: seed, item: item))
        }
        let samples = try sampler(1, 0).samples(observation: observation)
        #expect(samples.count == 3)
        #expect(try sampler(1, 0).sample(2, observation: observation) == samples[2])
        #expect(samples[0] != samples[1])
        #expect(try sampler(2, 0).sample(0, observation: observation) != samples[0])
        #expect(try sampler(1, 1).sample(0, observation: observation) != samples[0])
        #expect(samples.allSatisfy { $0.values.allSatisfy { abs($0) <= 1 } })
    }

    @Test func reportsProgressAndCountsEvaluations() throws {
        let seen = Mutex<[(Double, String)]>([])
        let denoiser = CountingDenoiser()
        let configuration = try ZeroShotRecipe.superResolution.configuration(noiseLevel: 0.05, sampleCount: 2)
        let sampler = try UnfoldedSampler(
            denoiser: denoiser,
            forwardOperator: SuperResolution(factor: 2, kernel: .uniform(size: 3), height: 4, width: 6),
            configuration: configuration, noise: PhiloxNoise(seed: 1))
        let monitor = SamplerMonitor(report: { fraction, label in seen.withLock { $0.append((fraction, label)) } })
        let samples = try sampler.samples(
            observation: Tensor(shape: [1, 3, 2, 3], repeating: 0), monitor: monitor)
        #expect(samples.map(\.shape) == [[1, 3, 4, 6], [1, 3, 4, 6]])
        #expect(denoiser.calls.load(ordering: .relaxed) == 2 * configuration.evaluationCount)
        let reports = seen.withLock { $0 }
        #expect(reports.first?.0 == 0 && reports.last?.0 == 1)
        #expect(zip(reports, reports.dropFirst()).allSatisfy { $0.0 <= $1.0 })
        #expect(reports.allSatisfy { !$0.1.isEmpty })
    }

    @Test func theClosingStepWeighsEstimateAndObservation() throws {
        let shape = [1, 1, 1, 3]
        let mask = Inpainting(mask: try Mask(height: 1, width: 3, kept: [true, false, true]))
        let observation = try Tensor(shape: shape, values: [0.5, 0, -0.9])
        var configuration = try ZeroShotRecipe.inpainting.configuration(noiseLevel: 0.2)
        configuration.dataWeight = 0.5
        func result(_ closingLevel: Double?) throws -> [Float] {
            configuration.closingLevel = closingLevel
            return try UnfoldedSampler(
                denoiser: prior, forwardOperator: mask, configuration: configuration, noise: PhiloxNoise(seed: 3)
            ).sample(0, observation: observation).values
        }
        let open = try result(nil)
        let closed = try result(0.3)
        // Precisions of the observation, 1/(λσ²), and of the estimate, 1/r².
        let (data, estimate) = (1 / 0.02, 1 / 0.09)
        for (pixel, y) in [(0, 0.5), (2, -0.9)] {
            let expected = (data * y + estimate * Double(open[pixel])) / (data + estimate)
            #expect(abs(Double(closed[pixel]) - expected) < 1e-5)
        }
        #expect(abs(closed[1] - open[1]) < 1e-6)
    }

    @Test func stopsWhenCancelled() throws {
        let denoiser = CountingDenoiser()
        let sampler = try UnfoldedSampler(
            denoiser: denoiser, forwardOperator: Inpainting(mask: Mask(height: 1, width: 1, kept: [true])),
            configuration: ZeroShotRecipe.inpainting.configuration(noiseLevel: 0.05), noise: PhiloxNoise(seed: 1))
        let monitor = SamplerMonitor(isCancelled: { denoiser.calls.load(ordering: .relaxed) == 4 })
        let error = thrownError {
            _ = try sampler.samples(observation: Tensor(shape: [1, 1, 1, 1], repeating: 0), monitor: monitor)
        }
        #expect(error?.code == .cancelled)
        #expect(denoiser.calls.load(ordering: .relaxed) == 4)
    }

    @Test func refusesValuesThatAreNotFinite() throws {
        let mask = Inpainting(mask: try Mask(height: 1, width: 1, kept: [true]))
        let configuration = try ZeroShotRecipe.inpainting.configuration(noiseLevel: 0.05)
        let cases: [(Float, Float, String)] = [
            (.nan, 0, "observation"), (.infinity, 0, "observation"), (0, .nan, "denoised image"),
        ]
        for (value, prediction, tensor) in cases {
            let sampler = try UnfoldedSampler(
                denoiser: CountingDenoiser(result: prediction), forwardOperator: mask, configuration: configuration,
                noise: PhiloxNoise(seed: 1))
            let error = thrownError {
                _ = try sampler.sample(0, observation: Tensor(shape: [1, 1, 1, 1], repeating: value))
            }
            #expect(error?.code == .notFinite && error?.location.tensor == tensor)
        }
    }

    @Test func refusesImpossibleSettings() throws {
        let mask = Inpainting(mask: try Mask(height: 1, width: 1, kept: [true]))
        let good = try ZeroShotRecipe.inpainting.configuration(noiseLevel: 0.05)
        let changes: [(inout SamplerConfiguration) -> Void] = [
            { $0.iterations = 0 }, { $0.iterations = 1001 }, { $0.noiseLevel = 0 }, { $0.noiseLevel = .nan },
            { $0.dataWeight = -1 }, { $0.stepFactor = .constant(.infinity) }, { $0.dataWeight = .each([1, 2]) },
            { $0.innerLevels = .geometric(from: 0, to: 1) }, { $0.innerLevels = .geometric(from: 1, to: -1) },
            { $0.innerLevels = .geometric(from: .nan, to: 1) }, { $0.innerLevels = 1e9 },
            { $0.transition = .mixture(eta: 1.1) },
            { $0.closingLevel = 0 }, { $0.closingLevel = .nan },
            { $0.transition = .published(eta: -0.1) }, { $0.sampleCount = 0 },
        ]
        for change in changes {
            var configuration = good
            change(&configuration)
            let error = thrownError {
                _ = try UnfoldedSampler(
                    denoiser: prior, forwardOperator: mask, configuration: configuration, noise: SilentNoise())
            }
            #expect(error?.code == .samplerConfiguration)
        }
        let short = thrownError {
            _ = try UnfoldedSampler(
                schedule: NoiseSchedule(betas: [0.1, 0.2]), denoiser: prior, forwardOperator: mask,
                configuration: good, noise: SilentNoise())
        }
        #expect(short?.code == .scheduleInvalid)
        let sampler = try UnfoldedSampler(
            denoiser: prior, forwardOperator: mask, configuration: good, noise: SilentNoise())
        for index in [-1, Int.max] {
            let error = thrownError {
                _ = try sampler.sample(index, observation: Tensor(shape: [1, 1, 1, 1], repeating: 0))
            }
            #expect(error?.code == .samplerConfiguration)
        }
    }
}
