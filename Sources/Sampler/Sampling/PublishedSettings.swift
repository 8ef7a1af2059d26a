import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What the paper's checkpoints were trained with: everything that a run of ``PublishedSampler`` depends on besides the
/// networks, the operator and the observation (`sampler.md` §7).
public struct PublishedSettings: Sendable, Hashable {
    /// The learned scalars of a checkpoint, as it stores them.
    public struct Scalars: Sendable, Hashable {
        /// `SP_Param`: its exponential multiplies ρ when pixels are missing, and is unused otherwise.
        public var step: Double
        /// `LambdaSIG`: its exponential is λ; nil where the checkpoint lacks it, and λ is then 1.
        public var dataWeight: Double?
        /// `TAUG`: a thousand times this is added to the timestep that an iteration denoises at.
        public var timestepShift: Double
        /// `TLAT`: the same, added after the sum has been limited.
        public var latentShift: Double

        /// Creates scalars; all are zero before training.
        public init(step: Double = 0, dataWeight: Double? = 0, timestepShift: Double = 0, latentShift: Double = 0) {
            self.step = step
            self.dataWeight = dataWeight
            self.timestepShift = timestepShift
            self.latentShift = latentShift
        }

        /// λ.
        public var lambda: Double { exp(dataWeight ?? 0) }
    }

    /// The timesteps of the outer loop; their number is N.
    public var grid: TimeGrid
    /// K, the iterations of each outer step.
    public var iterations: Int
    /// σ, the standard deviation of the observation's noise in [-1, 1] units: twice that of images in [0, 1].
    public var noiseLevel: Double
    /// The learned scalars.
    public var scalars: Scalars
    /// η of the step that the code calls DDIM.
    public var eta: Double
    /// Whether iterations add fresh noise before they denoise, as all published settings do.
    public var isPerturbed: Bool

    /// The factor on σ where pixels are missing, when timesteps and ρ are computed.
    static let missingPixelWeight = 13.0

    /// Creates settings; ``validate()`` is called by the sampler.
    public init(
        grid: TimeGrid, iterations: Int = 3, noiseLevel: Double, scalars: Scalars = Scalars(), eta: Double = 0.8,
        isPerturbed: Bool = true
    ) {
        self.grid = grid
        self.iterations = iterations
        self.noiseLevel = noiseLevel
        self.scalars = scalars
        self.eta = eta
        self.isPerturbed = isPerturbed
    }

    /// Checks the ranges.
    /// - Throws: `UD2MError` with code `sampler-configuration` unless N ≤ 1000, 1 ≤ K ≤ 1000, σ is positive and finite, η is
    ///   in 0 ... 1, and the scalars are finite and of a size that training gives.
    public func validate() throws {
        func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
            guard condition else { throw UD2MError(.samplerConfiguration, message()) }
        }
        try require(grid.count <= 1000, "N must be at most 1000, not \(grid.count).")
        try require((1...1000).contains(iterations), "K must lie between 1 and 1000, not \(iterations).")
        try require(noiseLevel.isFinite && noiseLevel > 0, "σ must be positive, not \(noiseLevel).")
        try require((0...1).contains(eta), "η must lie between 0 and 1, not \(eta).")
        let all = [scalars.step, scalars.dataWeight ?? 0, scalars.timestepShift, scalars.latentShift]
        try require(all.allSatisfy { abs($0) <= 20 }, "A learned scalar is not a number between -20 and 20: \(all).")
    }

    /// Where one outer step works (`sampler.md` §7.4): the same for all its iterations.
    public struct InnerStep: Sendable, Hashable {
        /// ρ; the proximal step has the size δ = ρ².
        public let level: Double
        /// The timestep before the latent shift, limited to 1 ... 1000.
        public let shifted: Double
        /// The timestep at which the iterations denoise.
        public let timestep: Int
    }

    /// ρ and the inner timestep of an outer step.
    /// - Parameters:
    ///   - timestep: t of the outer step.
    ///   - schedule: The prior's schedule.
    ///   - hasMissingPixels: Whether the operator is inpainting.
    /// - Returns: ρ and the timesteps.
    public func innerStep(timestep: Int, schedule: NoiseSchedule, hasMissingPixels: Bool) -> InnerStep {
        let state = Double(schedule.sigmas[timestep])
        let noise = noiseLevel * (hasMissingPixels ? Self.missingPixelWeight : 1)
        let level = noise * state / (noise * noise + state * state).squareRoot()
        let limit = Double(schedule.count)
        func limited(_ value: Double) -> Double { min(max(value, 1), limit) }
        let nearest = limited(Double(schedule.nearestTimestep(sigma: level)))
        let shifted = limited(nearest + limit * scalars.timestepShift)
        // Timestep 1000 of 1000 exists for the reference's limits alone: its tables end at 999, and so does this.
        let inner = min(Int(limited(isPerturbed ? shifted + limit * scalars.latentShift : shifted)), schedule.count - 1)
        return InnerStep(
            level: level * (hasMissingPixels ? exp(scalars.step) : 1), shifted: shifted, timestep: inner)
    }
}
