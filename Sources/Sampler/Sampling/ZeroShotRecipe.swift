/// Sampler settings for a plain prior, without task adapters: what to use when a task bundle brings none.
///
/// Inner levels fall geometrically, the proximal steps are exact, estimates are clamped. Levels follow the noise of the
/// observation: a run ends at a share of σ, never below the least noise that a prior knows. What each task and σ gives, and
/// on what it was tuned, is tabled in `docs/restore.md`.
public struct ZeroShotRecipe: Sendable, Hashable {
    /// N, outer steps on the quadratic grid.
    public var steps: Int
    /// K, iterations an outer step.
    public var iterations: Int
    /// λ, of the noise that counts.
    public var dataWeight: Double
    /// ρ of the first iteration, as a multiple of σ; at most ``largestLevel``.
    public var firstRatio: Double
    /// ρ of the last iteration, as a multiple of σ; between ``lastFloor`` and ``lastLimit``.
    public var lastRatio: Double
    /// What the last ρ does not go below, however weak the noise.
    public var lastFloor: Double
    /// What the last ρ does not go above, however strong the noise.
    public var lastLimit: Double
    /// r of the closing proximal step, as a multiple of the last ρ between ``smallestLevel`` and ``closingLimit``; nil leaves
    /// it out.
    public var closingRatio: Double?
    /// What r does not go above: of an image that the observation tells whole, a prior's error grows slower than σ.
    public var closingLimit: Double
    /// The tables of a JPEG, whose rounding counts as noise.
    public var rounding: JPEGTables?
    /// δ/ρ².
    public var stepFactor: Double
    /// η of the variance-preserving transition.
    public var eta: Double

    /// ρ above which nothing of an image is left that an observation does not tell.
    public static let largestLevel = 1.0
    /// The noise of a prior's first timestep: below it no network has learnt anything.
    public static let smallestLevel = 0.01

    /// Creates a recipe.
    public init(
        steps: Int, iterations: Int, dataWeight: Double, firstRatio: Double = .infinity, lastRatio: Double,
        lastFloor: Double = smallestLevel, lastLimit: Double = 1, closingRatio: Double? = nil,
        closingLimit: Double = 1, rounding: JPEGTables? = nil, stepFactor: Double = 1, eta: Double = 0.8
    ) {
        self.steps = steps
        self.iterations = iterations
        self.dataWeight = dataWeight
        self.firstRatio = firstRatio
        self.lastRatio = lastRatio
        self.lastFloor = lastFloor
        self.lastLimit = lastLimit
        self.closingRatio = closingRatio
        self.closingLimit = closingLimit
        self.rounding = rounding
        self.stepFactor = stepFactor
        self.eta = eta
    }

    /// For any blur: 9 evaluations.
    public static let deblurring = ZeroShotRecipe(
        steps: 3, iterations: 3, dataWeight: 0.4, lastRatio: 1.2, lastLimit: 0.06, closingRatio: 0.6)
    /// For missing pixels: 15 evaluations. What is missing is drawn at levels that a prior knows well, even if the rest has
    /// hardly any noise.
    public static let inpainting = ZeroShotRecipe(
        steps: 3, iterations: 5, dataWeight: 1, lastRatio: 1.2, lastFloor: 0.06, lastLimit: 0.12, closingRatio: 0.6)
    /// For super-resolution: 9 evaluations.
    public static let superResolution = ZeroShotRecipe(
        steps: 3, iterations: 3, dataWeight: 0.25, lastRatio: 1.2, lastLimit: 0.06)
    /// For a few measurements of the whole image: 9 evaluations.
    public static let compressedSensing = ZeroShotRecipe(
        steps: 3, iterations: 3, dataWeight: 0.4, lastRatio: 1.2, lastFloor: 0.06, lastLimit: 0.12, closingRatio: 0.6)
    /// For noise alone: 9 evaluations, near the noise, since the observation tells what is coarser.
    public static let denoising = ZeroShotRecipe(
        steps: 3, iterations: 3, dataWeight: 0.4, firstRatio: 4, lastRatio: 0.6, closingRatio: 0.65, closingLimit: 0.02)

    /// For JPEG: 9 evaluations, as denoising what rounding has changed.
    public static func jpeg(_ tables: JPEGTables) -> ZeroShotRecipe {
        ZeroShotRecipe(
            steps: 3, iterations: 3, dataWeight: 0.12, firstRatio: 0.5, lastRatio: 0.2, closingRatio: 1,
            closingLimit: 0.03, rounding: tables)
    }

    /// The recipe for an operator; operators without one of their own get that of ``deblurring``.
    public static func recommended(for forwardOperator: any ForwardOperator) -> ZeroShotRecipe {
        switch forwardOperator {
        case is Inpainting: inpainting
        case is SuperResolution: superResolution
        case is Denoising: denoising
        case is CompressedSensing, is GenericLinearOperator: compressedSensing
        case let codec as JPEGCompression: jpeg(codec.tables)
        default: deblurring
        }
    }

    /// The variance of the noise that counts: the observation's, and of JPEG what it lost in rounding.
    ///
    /// A coefficient's error by rounding is smaller than its divisor says where the image has nothing at that frequency, so
    /// it needs a smaller share of it than noise does; the factor of nine makes that of noise as in ``denoising``.
    private func countedVariance(noiseLevel: Double) -> Double {
        guard let rounding else { return noiseLevel * noiseLevel }
        let error = rounding.typicalError
        return error * error + 9 * rounding.survivingVariance(noiseLevel: noiseLevel)
    }

    /// The recipe as a configuration.
    /// - Parameters:
    ///   - noiseLevel: σ in [-1, 1] units.
    ///   - sampleCount: S.
    ///   - scheduleLength: Timesteps of the prior's schedule.
    /// - Returns: A valid configuration.
    /// - Throws: `UD2MError` with code `schedule-invalid` or `sampler-configuration` when a setting is out of range.
    public func configuration(
        noiseLevel: Double, sampleCount: Int = 1, scheduleLength: Int = 1000
    ) throws -> SamplerConfiguration {
        let variance = countedVariance(noiseLevel: noiseLevel)
        let deviation = variance.squareRoot()
        let last = min(max(lastRatio * deviation, lastFloor), lastLimit)
        let first = max(min(firstRatio * deviation, Self.largestLevel), last)
        let configuration = SamplerConfiguration(
            grid: try TimeGrid.quadratic(steps: steps, scheduleLength: scheduleLength), iterations: iterations,
            noiseLevel: noiseLevel, dataWeight: .constant(dataWeight * variance / (noiseLevel * noiseLevel)),
            innerLevels: .geometric(from: first, to: last), stepFactor: .constant(stepFactor),
            transition: .mixture(eta: eta),
            closingLevel: closingRatio.map { min(max($0 * last, Self.smallestLevel), closingLimit) },
            sampleCount: sampleCount)
        try configuration.validate()
        return configuration
    }
}
