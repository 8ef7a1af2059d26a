import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// The step between outer timesteps.
@Suite struct ReverseTransitionTests {
    let schedule = NoiseSchedule.linear

    @Test func publishedStepMatchesTheReference() throws {
        let golden = try GoldenTensors("sampler/ddim_step.io.safetensors")
        let next = try ReverseTransition.published(eta: 0.8).state(
            clean: Tensor(golden["x0"]), noise: Tensor(golden["eps"]), from: 999, to: 444, schedule: schedule,
            draws: [Tensor(golden["noise0"]), Tensor(golden["noise1"])])
        // Nothing but rounding: 3 sums here and up to 6 sums and products there, each off by 2⁻²⁴ of the terms at most.
        let spread =
            0.8 * Double(schedule.noiseScales[444]) / Double(schedule.noiseScales[999])
            * Double(schedule.betas[999]).squareRoot()
        let noiseScale = Double(schedule.noiseScales[444])
        let weights = [
            ("x0", Double(schedule.signalScales[444])),
            ("eps", (noiseScale * noiseScale - spread * spread).squareRoot()),
            ("noise0", spread), ("noise1", spread * noiseScale),
        ]
        let terms = try weights.map { name, weight in try golden[name].values.map { weight * $0 } }
        let reference = try golden["ddim_999_to_444_eta08"].values
        for (index, value) in next.values.enumerated() {
            let parts = terms.map { $0[index] }
            let unit = 0x1p-24 * parts.reduce(0) { $0 + abs($1) }
            #expect(abs(Double(value) - parts.reduce(0, +)) <= 3 * unit)
            #expect(abs(Double(value) - reference[index]) <= 4 * unit)
        }
    }

    @Test(arguments: [ReverseTransition.mixture(eta: 0), .published(eta: 0)])
    func withoutNoiseTheStateMovesAlongItsNoise(_ transition: ReverseTransition) throws {
        // x_t = √ᾱ_t·x₀ + √(1−ᾱ_t)·ε must become √ᾱ_p·x₀ + √(1−ᾱ_p)·ε, whatever the draws.
        let clean = try Tensor.random([1, 1, 4, 4], seed: 1)
        let noise = try Tensor.random([1, 1, 4, 4], seed: 2)
        let state = try noisy(clean, noise, 444)
        let predicted = try ReverseTransition.predictedNoise(
            state: state, clean: clean, timestep: 444, schedule: schedule)
        let draws = try (0..<transition.drawCount).map { try Tensor.random([1, 1, 4, 4], seed: 3 + UInt64($0)) }
        let next = try transition.state(
            clean: clean, noise: predicted, from: 444, to: 111, schedule: schedule, draws: draws)
        let expected = try noisy(clean, noise, 111)
        #expect(largestDifference(next.values.map { Double($0) }, expected.values.map { Double($0) }) < 1e-6)
        let still = try transition.state(
            clean: clean, noise: predicted, from: 444, to: 444, schedule: schedule, draws: draws)
        #expect(largestDifference(still.values.map { Double($0) }, state.values.map { Double($0) }) < 1e-6)
    }

    @Test(arguments: [0.0, 0.3, 0.8, 1]) func mixtureHasTheRightNoiseLevel(eta: Double) throws {
        let shape = [1, 1, 200, 200]
        let next = try ReverseTransition.mixture(eta: eta).state(
            clean: Tensor(shape: shape, repeating: 0), noise: Tensor.random(shape, seed: 1), from: 999, to: 444,
            schedule: schedule, draws: [Tensor.random(shape, seed: 2)])
        let variance = inner(next, next) / 40_000
        let expected = 1 - Double(schedule.cumulativeAlphas[444])
        // Standard error √(2/40000) = 0.7 %.
        #expect(abs(variance / expected - 1) < 0.03)
    }

    @Test func refusesTheWrongNumberOfDraws() throws {
        let image = try Tensor(shape: [1, 1, 2, 2], repeating: 0)
        for draws in [[], [image, image]] {
            let error = thrownError {
                _ = try ReverseTransition.mixture(eta: 1).state(
                    clean: image, noise: image, from: 9, to: 3, schedule: schedule, draws: draws)
            }
            #expect(error?.code == .noiseDraw)
        }
    }

    private func noisy(_ clean: Tensor, _ noise: Tensor, _ timestep: Int) throws -> Tensor {
        try Tensor(
            shape: clean.shape,
            values: zip(clean.values, noise.values).map {
                schedule.signalScales[timestep] * $0 + schedule.noiseScales[timestep] * $1
            })
    }
}
