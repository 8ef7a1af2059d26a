import UD2MFormats

/// Everything that a run of the unfolded sampler depends on besides the network, the operator and the observation.
public struct SamplerConfiguration: Sendable, Hashable {
    /// The timesteps of the outer loop; their number is N.
    public var grid: TimeGrid
    /// K, the iterations (proximal step, fresh noise, denoising) of each outer step.
    public var iterations: Int
    /// σ, the standard deviation of the observation's noise in [-1, 1] units: twice that of images in [0, 1].
    public var noiseLevel: Double
    /// λ, which multiplies σ² in the proximal step: smaller trusts the observation more.
    public var dataWeight: IterationSchedule
    /// ρ, the noise levels at which the iterations denoise: the σ of a timestep, in the units of images in [-1, 1].
    public var innerLevels: IterationSchedule
    /// δ/ρ², the size of the proximal step.
    public var stepFactor: IterationSchedule
    /// How far an iteration goes from the noisy image to the denoised one. 1, as in the paper, ends at the denoised image,
    /// and samples spread less than the posterior does; ½ with a ``stepFactor`` of ½ makes the iterations a Langevin chain
    /// whose law is the posterior's, the better the smaller ρ (Hyvärinen 2024, sampling by half-denoising).
    public var denoisingStrength: Double
    /// How an outer step ends.
    public var transition: ReverseTransition
    /// Whether every estimate of the clean image is limited to [-1, 1].
    public var clampsEstimates: Bool
    /// r, the error that the last estimate is taken to have where a run closes with a proximal step of the likelihood
    /// around it, ‖Ax − y‖²/(2λσ²) + ‖x − x₀‖²/(2r²): what the observation tells more exactly than the prior is then taken
    /// from the observation. Nil ends at the denoised estimate, as the paper does.
    public var closingLevel: Double?
    /// What outer steps start from.
    public var warmStart: WarmStart
    /// S, the number of posterior samples.
    public var sampleCount: Int

    /// Creates a configuration; ``validate()`` is called by the sampler.
    public init(
        grid: TimeGrid, iterations: Int, noiseLevel: Double, dataWeight: IterationSchedule,
        innerLevels: IterationSchedule, stepFactor: IterationSchedule = .constant(1), denoisingStrength: Double = 1,
        transition: ReverseTransition,
        clampsEstimates: Bool = true,
        closingLevel: Double? = nil,
        warmStart: WarmStart = .plain,
        sampleCount: Int = 1
    ) {
        self.grid = grid
        self.iterations = iterations
        self.noiseLevel = noiseLevel
        self.dataWeight = dataWeight
        self.innerLevels = innerLevels
        self.stepFactor = stepFactor
        self.denoisingStrength = denoisingStrength
        self.transition = transition
        self.clampsEstimates = clampsEstimates
        self.closingLevel = closingLevel
        self.warmStart = warmStart
        self.sampleCount = sampleCount
    }

    /// The denoiser's evaluations for one sample, N·K.
    public var evaluationCount: Int { grid.count * iterations }

    /// Checks the ranges.
    /// - Throws: `UD2MError` with code `sampler-configuration` unless N ≤ 1000, 1 ≤ K ≤ 1000, 1 ≤ S ≤ 1 000 000, σ is positive
    ///   and finite, λ, ρ and δ/ρ² are so in every iteration with ρ ≤ 1000, r is in 1e-6 ... 1000 where there is one, and η is in 0 ... 1.
    public func validate() throws {
        func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
            guard condition else { throw UD2MError(.samplerConfiguration, message()) }
        }
        try require(grid.count <= 1000, "N must be at most 1000, not \(grid.count).")
        try require((1...1000).contains(iterations), "K must lie between 1 and 1000, not \(iterations).")
        try require((1...1_000_000).contains(sampleCount), "\(sampleCount) samples cannot be drawn.")
        try require(noiseLevel.isFinite && noiseLevel > 0, "σ must be positive, not \(noiseLevel).")
        try dataWeight.validate("λ", count: evaluationCount)
        try innerLevels.validate("ρ", count: evaluationCount, limit: 1000)
        try stepFactor.validate("δ/ρ²", count: evaluationCount)
        try require(
            denoisingStrength > 0 && denoisingStrength <= 1,
            "The denoising strength must lie above 0 and be at most 1, not \(denoisingStrength).")
        try require(
            (1e-6...1000).contains(closingLevel ?? 1),
            "The closing level must lie between 0.000001 and 1000, not \(closingLevel ?? 0).")
        try require((0...1).contains(transition.eta), "η must lie between 0 and 1, not \(transition.eta).")
    }
}
