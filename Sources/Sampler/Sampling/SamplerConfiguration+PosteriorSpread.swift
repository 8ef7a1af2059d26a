extension SamplerConfiguration {
    /// The K that ``setPosteriorSpread()`` was chosen with, for N = 3.
    public static let posteriorSpreadIterations = 30

    /// Makes samples spread as the posterior does: a Langevin chain by half-denoising, annealed over all iterations.
    ///
    /// Sets ``denoisingStrength``, ``stepFactor``, ``dataWeight`` and ``innerLevels``, takes ``closingLevel`` away, which
    /// would pull samples together, and leaves N and K alone. ρ ends at
    /// 0.3·σ: with δ = ρ²/2 and a prior that knows nothing, the chain's variance is σ²·2(1+u)²/(2+u) for u = δ/σ², 6 %
    /// above σ², and it forgets in about 1/u = 22 iterations. The finest schedules end at ρ = 0.01, so that for σ below
    /// 0.03 samples spread too much.
    public mutating func setPosteriorSpread() {
        denoisingStrength = 0.5
        stepFactor = 0.5
        dataWeight = 1
        closingLevel = nil
        innerLevels = .geometric(from: 1, to: max(0.3 * noiseLevel, 0.01))
    }
}
