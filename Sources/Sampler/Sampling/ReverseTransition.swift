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
        let inverse = 1 / Double(schedule.noiseScales[timestep])
        return try state.combined(inverse, clean, -Double(schedule.signalScales[timestep]) * inverse)
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
        let signal = Double(schedule.signalScales[next])
        let noiseScale = Double(schedule.noiseScales[next])
        switch self {
        case .mixture(let eta):
            return try clean.combined(signal, noise, noiseScale * max(0, 1 - eta * eta).squareRoot())
                .combined(1, draws[0], noiseScale * eta)
        case .ddim(let eta):
            let (now, then) = (Double(schedule.cumulativeAlphas[timestep]), Double(schedule.cumulativeAlphas[next]))
            let spread = eta * max(0, (1 - then) / (1 - now) * (1 - now / then)).squareRoot()
            return try clean.combined(signal, noise, max(0, noiseScale * noiseScale - spread * spread).squareRoot())
                .combined(1, draws[0], spread)
        case .published(let eta):
            let spread =
                eta * noiseScale / Double(schedule.noiseScales[timestep])
                * Double(schedule.betas[timestep]).squareRoot()
            let kept = max(0, noiseScale * noiseScale - spread * spread).squareRoot()
            return try clean.combined(signal, noise, kept)
                .combined(1, draws[0], spread)
                .combined(1, draws[1], spread * noiseScale)
        }
    }
}
