import Foundation
import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler

/// Whether the sampler gives samples of the posterior, where the posterior is known: normal priors (`docs/sampler.md`).
@Suite("samples and the posterior of a normal prior") struct PosteriorCorrectnessTests {
    /// Settings of the sampler.
    struct Settings: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var timesteps = [999, 444, 111]
        var iterations: Int
        var dataWeight: IterationSchedule = 1
        var levels = IterationSchedule.geometric(from: 1, to: 0.02)
        var stepFactor: IterationSchedule = 0.5
        var strength = 0.5
        var transition = ReverseTransition.mixture(eta: 0.8)

        /// The paper's iteration, as the recipe of deblurring has it.
        static let paper = Settings(
            testDescription: "paper's iteration", iterations: 3, dataWeight: 0.4,
            levels: .geometric(from: 1, to: 0.06), stepFactor: 1, strength: 1)
        /// Those that `docs/sampler.md` gives for posterior samples: few evaluations, many, and very many.
        static let short = Settings(testDescription: "posterior, 60 evaluations", iterations: 20)
        static let long = Settings(testDescription: "posterior, 300 evaluations", iterations: 100)
        static let longest = Settings(
            testDescription: "posterior, 900 evaluations", iterations: 300, levels: .geometric(from: 1, to: 0.01))

        /// Settings for which nothing is round: every transition, other N and K, a value of its own in each iteration.
        ///
        /// From the usual grids the estimate hardly depends on how the state goes on; these begin where a state of noise
        /// alone is wrong and weighs much, so that η = 0.6 in place of 0.8 is off by fifteen standard errors.
        static let odd = [
            odd("N = 4, K = 2, DDIM", [150, 80, 40, 15], iterations: 2, strength: 0.8, .ddim(eta: 0.6)),
            odd("N = 2, K = 5, published", [60, 20], iterations: 5, strength: 1, .published(eta: 0.8)),
            odd("N = 3, K = 2, η = 0.8", [100, 50, 20], iterations: 2, strength: 1, .mixture(eta: 0.8)),
            odd("N = 6, K = 1, η = 0", [200, 120, 80, 50, 30, 15], iterations: 1, strength: 0.5, .mixture(eta: 0)),
        ]

        private static func odd(
            _ name: String, _ timesteps: [Int], iterations: Int, strength: Double, _ transition: ReverseTransition
        ) -> Settings {
            let each = (0..<timesteps.count * iterations).map { Double($0) }
            return Settings(
                testDescription: name, timesteps: timesteps, iterations: iterations,
                dataWeight: .each(each.map { 0.5 + 0.3 * sin($0) }),
                levels: .each(each.map { 0.3 * exp(-0.1 * $0) }),
                stepFactor: .each(each.map { 1 + 0.5 * cos(2 * $0) }), strength: strength, transition: transition)
        }

        /// Without clamping, so that the law is normal, unless asked.
        func configuration(clampsEstimates: Bool = false) throws -> SamplerConfiguration {
            SamplerConfiguration(
                grid: try TimeGrid(timesteps: timesteps), iterations: iterations,
                noiseLevel: GaussianProblem.noiseLevel,
                dataWeight: dataWeight, innerLevels: levels, stepFactor: stepFactor, denoisingStrength: strength,
                transition: transition, clampsEstimates: clampsEstimates)
        }
    }

    /// How far the law of the samples is from the posterior: a line of the table in `docs/sampler.md`.
    struct Bias: Sendable, CustomTestStringConvertible {
        let task: GaussianProblem.Task
        let settings: Settings
        /// The pixels' variance, by the posterior's.
        let pixels: Double
        /// The variance of every linear function of the image, by the posterior's.
        let directions: ClosedRange<Double>
        /// The error of the mean, in standard deviations of the posterior, root mean square over all directions.
        let mean: Double

        var testDescription: String { "\(task.rawValue), \(settings.testDescription)" }

        init(
            _ task: GaussianProblem.Task, _ settings: Settings, pixels: Double, directions: ClosedRange<Double>,
            mean: Double
        ) {
            (self.task, self.settings, self.pixels, self.directions, self.mean) = (
                task, settings, pixels, directions, mean
            )
        }

        static let table = [
            Bias(.deblurring, .paper, pixels: 0.49, directions: 0.33...1.57, mean: 0.18),
            Bias(.deblurring, .short, pixels: 1.07, directions: 1.03...1.22, mean: 0.04),
            Bias(.deblurring, .long, pixels: 1.03, directions: 1.01...1.12, mean: 0.02),
            Bias(.inpainting, .paper, pixels: 0.67, directions: 0.42...1.50, mean: 0.34),
            Bias(.inpainting, .short, pixels: 1.15, directions: 1.05...1.29, mean: 0.12),
            Bias(.inpainting, .long, pixels: 1.05, directions: 1.02...1.11, mean: 0.05),
            Bias(.superResolution, .paper, pixels: 0.47, directions: 0.33...0.67, mean: 0.08),
            Bias(.superResolution, .short, pixels: 1.07, directions: 1.04...1.15, mean: 0.05),
            Bias(.superResolution, .long, pixels: 1.02, directions: 1.01...1.06, mean: 0.02),
        ]
    }

    /// Images of many independent runs.
    private static func samples(
        _ problem: GaussianProblem, _ configuration: SamplerConfiguration, seed: UInt64
    ) throws -> [[Double]] {
        // Eight samples of fifty copies of the observation.
        let observation = try problem.tensor(copies: 50)
        return try problem.sampler(configuration, seed: seed).draw(0..<8, observation: observation).flatMap { batch in
            stride(from: 0, to: batch.values.count, by: StationaryPrior.count).map { start in
                batch.values[start..<start + StationaryPrior.count].map { Double($0) }
            }
        }
    }

    /// Expects samples of a law: mean, variances and covariances of the whitened samples are those of independent
    /// standard normal numbers within five standard errors, which 1300 right numbers exceed once in 1300 tests.
    private static func expect(_ samples: [[Double]], follow law: NormalLaw) throws {
        let factor = try #require(law.covariance.choleskyFactor())
        let white = samples.map { sample in factor.forwardSolved(zip(sample, law.mean).map { $0 - $1 }) }
        let count = Double(samples.count)
        var all = 0.0
        for first in 0..<law.mean.count {
            let mean = white.reduce(0) { $0 + $1[first] } / count
            #expect(abs(mean) < 5 / count.squareRoot(), "mean of direction \(first)")
            for second in 0...first {
                let product = white.reduce(0) { $0 + $1[first] * $1[second] } / count
                if first == second { all += product }
                let error = (first == second ? 2 / count : 1 / count).squareRoot()
                #expect(abs(product - (first == second ? 1 : 0)) < 5 * error, "directions \(first) and \(second)")
            }
        }
        // An error of all variances together shows long before it shows in one.
        let dimensions = Double(law.mean.count)
        #expect(abs(all / dimensions - 1) < 5 * (2 / (count * dimensions)).squareRoot())
    }

    /// The distance of the means, in standard deviations of the posterior: root mean square over all directions.
    private static func meanError(_ law: NormalLaw, _ posterior: NormalLaw) throws -> Double {
        let factor = try #require(posterior.covariance.choleskyFactor())
        let errors = factor.forwardSolved(zip(law.mean, posterior.mean).map { $0 - $1 })
        return (errors.reduce(0) { $0 + $1 * $1 } / Double(errors.count)).squareRoot()
    }

    @Test("the law of the samples differs from the posterior by what is documented", arguments: Bias.table)
    func bias(_ bias: Bias) throws {
        let problem = try GaussianProblem(bias.task)
        let settings = try bias.settings.configuration()
        let (posterior, law) = (try problem.posterior(), try SamplerLaw.result(problem, settings))
        #expect(abs(law.covariance.trace / posterior.covariance.trace - bias.pixels) < 0.006)
        // uᵀCu lies between the bounds times uᵀVu for every u: the differences are positive definite.
        let (low, high) = (bias.directions.lowerBound, bias.directions.upperBound)
        #expect(law.covariance.minus(posterior.covariance.scaled(low)).choleskyFactor() != nil)
        #expect(posterior.covariance.scaled(high).minus(law.covariance).choleskyFactor() != nil)
        #expect(try Self.meanError(law, posterior) < bias.mean)

        // And the samples have that law.
        let samples = try Self.samples(problem, settings, seed: 11)
        try Self.expect(samples, follow: law)
    }

    @Test("samples have the law that the algorithm gives them", arguments: GaussianProblem.Task.allCases, Settings.odd)
    func law(_ task: GaussianProblem.Task, _ settings: Settings) throws {
        let problem = try GaussianProblem(task)
        let configuration = try settings.configuration()
        let samples = try Self.samples(problem, configuration, seed: 12)
        try Self.expect(samples, follow: try SamplerLaw.result(problem, configuration))
    }

    @Test("with more and smaller steps, the law goes to the posterior")
    func limit() throws {
        // Inpainting goes slowest.
        let problem = try GaussianProblem(.inpainting)
        let posterior = try problem.posterior()
        let law = try SamplerLaw.result(problem, Settings.longest.configuration())
        #expect(abs(law.covariance.trace / posterior.covariance.trace - 1) < 0.01)
        #expect(try Self.meanError(law, posterior) < 0.025)
    }

    @Test(
        "samples of many small steps are samples of the posterior, within Monte-Carlo error",
        arguments: GaussianProblem.Task.allCases)
    func posterior(_ task: GaussianProblem.Task) throws {
        let problem = try GaussianProblem(task)
        let samples = try Self.samples(problem, Settings.longest.configuration(), seed: 14)
        try Self.expect(samples, follow: try problem.posterior())
    }

    @Test("mean and spectrum of deblurred samples are the posterior's at every frequency")
    func spectrum() throws {
        let problem = try GaussianProblem(.deblurring)
        let (prior, count) = (problem.prior, StationaryPrior.count)
        // Clamped as the tool does: the images of this prior are hardly touched.
        let settings = try Settings.long.configuration(clampsEstimates: true)
        let samples = try Self.samples(problem, settings, seed: 13)
        let transforms = try samples.map { try prior.transform($0) }

        // Λ̄·Fy/σ² + Fμ/S over |Λ|²/σ² + 1/S, for each frequency by itself.
        var impulse = [Double](repeating: 0, count: count)
        impulse[0] = 1
        let transfer = try prior.transform(problem.matrix.times(impulse))
        let observed = try prior.transform(problem.observations[0])
        let noise = GaussianProblem.noiseLevel * GaussianProblem.noiseLevel
        for frequency in 0..<count {
            let (re, im) = (transfer[2 * frequency], transfer[2 * frequency + 1])
            let (yRe, yIm) = (observed[2 * frequency], observed[2 * frequency + 1])
            let spectrum = 1 / ((re * re + im * im) / noise + 1 / prior.spectrum[frequency])
            let prior = frequency == 0 ? StationaryPrior.mean * Double(count) / prior.spectrum[0] : 0
            let mean = [
                spectrum * ((re * yRe + im * yIm) / noise + prior), spectrum * (re * yIm - im * yRe) / noise,
            ]
            // F is not normalised: the variance of a coefficient, real and imaginary part together, is count·S.
            let scale = Double(count) * spectrum
            let found = (0...1).map { part in
                transforms.reduce(0) { $0 + $1[2 * frequency + part] } / Double(samples.count)
            }
            let error = zip(found, mean).map { $0 - $1 }
            // Five standard errors, and a bias of 0.05.
            let bound = 5 / Double(samples.count).squareRoot() + 0.05
            #expect(hypot(error[0], error[1]) / scale.squareRoot() < bound, "mean of frequency \(frequency)")
            let power = transforms.reduce(0) { sum, transform in
                sum + pow(transform[2 * frequency] - mean[0], 2) + pow(transform[2 * frequency + 1] - mean[1], 2)
            }
            let ratio = power / Double(samples.count) / scale
            // Of a real coefficient the relative error of the variance is √(2/n); the bias is 1 … 12 %.
            let spread = 5 * (2 / Double(samples.count)).squareRoot()
            #expect(ratio > 1.01 - spread && ratio < 1.12 * (1 + spread), "variance of frequency \(frequency)")
        }
    }

    @Test("intervals of 90 % hold the truth 90 times of 100 with the documented settings, and not with the paper's")
    func coverage() throws {
        for task in GaussianProblem.Task.allCases {
            let problem = try GaussianProblem(task, images: 40)
            for (settings, range) in [(Settings.short, 0.85...0.95), (.paper, 0.65...0.84)] {
                let shape = [40, 1, StationaryPrior.height, StationaryPrior.width]
                var statistics = try PosteriorStatistics(shape: shape, keepsSamples: true)
                try problem.sampler(settings.configuration(clampsEstimates: true), seed: 14)
                    .forEachSample(count: 60, batch: 10, observation: problem.tensor()) { try statistics.add($1) }
                let truth = try Tensor(shape: shape, values: problem.images.flatMap { $0.map { Float($0) } })
                let inside = try statistics.covers(truth, level: 0.9)
                let covered = Double(inside.count { $0 }) / Double(inside.count)
                #expect(range.contains(covered), "\(task.rawValue), \(settings.testDescription): \(covered)")
            }
        }
    }
}
