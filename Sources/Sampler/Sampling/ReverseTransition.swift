import UD2MFormats
import UD2MRuntime

/// How the outer loop goes from timestep t to the next, less noisy one p, given the estimate x₀ of the clean image.
public enum ReverseTransition: Sendable, Hashable {
    /// √ᾱ_p·x₀ + √(1−ᾱ_p)·(√(1−η²)·ε + η·n): the noise level is right for every η; η = 0 is deterministic DDIM.
    case mixture(eta: Double)
    /// DDIM of Song et al. (2021), equation 16: σ = η·√((1−ᾱ_p)/(1−ᾱₜ))·√(1−ᾱₜ/ᾱ_p); η = 1 is the ancestral step of DDPM.
    case ddim(eta: Double)
    /// The published code's step (`sampler.md` §7.6), whose third term adds noise that DDIM does not have.
    case published(eta: Double)

    /// η.
    public var eta: Double {
        switch self {
        case .mixture(let eta), .ddim(let eta), .published(let eta): eta
        }
    }

    /// How many noise draws a step uses.
    public var drawCount: Int {
        switch self {
        case .mixture, .ddim: 1
        case .published: 2
        }
    }

    /// The noise ε that the state xₜ holds if x₀ is its clean image: (xₜ − √ᾱₜ·x₀)/√(1−ᾱₜ).
    public static func predictedNoise(
        state: Tensor, clean: Tensor, timestep: Int, schedule: NoiseSchedule
    ) throws -> Tensor {
        let weights = noiseWeights(timestep: timestep, schedule: schedule)
        return try state.combined(weights.state, clean, weights.clean)
    }

    /// The weights of xₜ and x₀ in the noise ε.
    static func noiseWeights(timestep: Int, schedule: NoiseSchedule) -> (state: Double, clean: Double) {
        let inverse = 1 / Double(schedule.noiseScales[timestep])
        return (inverse, -Double(schedule.signalScales[timestep]) * inverse)
    }

    /// What the next state is the sum of: the clean image, its noise, and fresh draws one after the other.
    struct Weights {
        let clean: Double
        let noise: Double
        let draws: [Double]
    }

    /// The weights of a step from `timestep` to `next`.
    func weights(from timestep: Int, to next: Int, schedule: NoiseSchedule) -> Weights {
        let signal = Double(schedule.signalScales[next])
        let noiseScale = Double(schedule.noiseScales[next])
        switch self {
        case .mixture(let eta):
            return Weights(
                clean: signal, noise: noiseScale * max(0, 1 - eta * eta).squareRoot(), draws: [noiseScale * eta])
        case .ddim(let eta):
            let (now, then) = (Double(schedule.cumulativeAlphas[timestep]), Double(schedule.cumulativeAlphas[next]))
            let spread = eta * max(0, (1 - then) / (1 - now) * (1 - now / then)).squareRoot()
            return Weights(
                clean: signal, noise: max(0, noiseScale * noiseScale - spread * spread).squareRoot(), draws: [spread])
        case .published(let eta):
            let spread =
                eta * noiseScale / Double(schedule.noiseScales[timestep])
                * Double(schedule.betas[timestep]).squareRoot()
            return Weights(
                clean: signal, noise: max(0, noiseScale * noiseScale - spread * spread).squareRoot(),
                draws: [spread, spread * noiseScale])
        }
    }

    /// The state at timestep `next`.
    /// - Parameters:
    ///   - clean: x₀.
    ///   - noise: ε, the predicted noise of the state at `timestep`.
    ///   - timestep: t.
    ///   - next: p.
    ///   - schedule: The schedule, with more than t and p timesteps.
    ///   - draws: ``drawCount`` tensors of fresh standard normal noise.
    /// - Returns: The state, of the shape of `clean`.
    /// - Throws: `UD2MError` with code `noise-draw` when there are too few draws, `operator-shape` when shapes differ.
    public func state(
        clean: Tensor, noise: Tensor, from timestep: Int, to next: Int, schedule: NoiseSchedule, draws: [Tensor]
    ) throws -> Tensor {
        guard draws.count == drawCount else {
            throw UD2MError(.noiseDraw, "A transition needs \(drawCount) noise draws and was given \(draws.count).")
        }
        let weights = weights(from: timestep, to: next, schedule: schedule)
        return try zip(draws, weights.draws).reduce(clean.combined(weights.clean, noise, weights.noise)) {
            try $0.combined(1, $1.0, $1.1)
        }
    }
}
