import UD2MFormats
import UD2MLoRA
import UD2MRuntime
import UD2MSampler

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How images are sampled: the flags, the bundle's settings where flags say nothing, and the recipe where neither does.
struct SamplerPlan {
    /// The settings of either flavour.
    enum Settings {
        case exact(SamplerConfiguration)
        case reference(PublishedSettings)
    }

    let settings: Settings
    let schedule: BundleSettings.Schedule
    let solver: Solver?
    let warmStart: WarmStart
    /// σ in [-1, 1] units.
    let noiseLevel: Double

    /// Completes the settings for an operator.
    /// - Parameters:
    ///   - options: The flags.
    ///   - bundle: What a bundle says.
    ///   - forward: The operator.
    ///   - sigma: The observation's noise in units of the image range [0, 1].
    /// - Throws: ``UD2MFormats/UD2MError`` with code `sampler-configuration`, `schedule-invalid`, or `sampler-option` for a
    ///   flag that the flavour does not have.
    init(_ options: SamplingOptions, bundle: BundleSettings?, forward: any ForwardOperator, sigma: Double) throws {
        // The sampler works on images in [-1, 1], where noise is twice as large.
        noiseLevel = 2 * sigma
        schedule = options.schedule ?? bundle?.schedule ?? .linear
        let start = options.wantedStart ?? (bundle?.usesRAM == true ? .ram : nil)
        switch options.flavour ?? bundle?.flavour ?? .exact {
        case .exact:
            warmStart = start ?? .plain
            solver = options.solver ?? .mixture
            settings = .exact(
                try Self.exact(options, bundle, forward, noiseLevel: noiseLevel, warmStart: warmStart))
        case .reference:
            guard options.solver == nil else {
                throw UD2MError(
                    .samplerOption, "The reference flavour has a step of its own.", remedy: "Leave --solver out.")
            }
            warmStart = start ?? .weightedAdjoint
            guard warmStart == .weightedAdjoint || warmStart == .ram else {
                throw UD2MError(
                    .samplerOption, "The reference flavour starts from the adjoint or RAM.",
                    remedy: "Pass --warm-start adjoint or ram.")
            }
            solver = nil
            let exactOnly: [(String, Bool)] = [
                ("--levels", options.levels != nil), ("--step-factor", options.stepFactor != nil),
                ("--denoising-strength", options.denoisingStrength != nil),
                ("--posterior-spread", options.posteriorSpread),
                ("--closing-level", options.closingLevel != nil),
                ("a list of --data-weight", (options.dataWeight?.count ?? 0) > 1),
            ]
            if let (name, _) = exactOnly.first(where: \.1) {
                throw UD2MError(
                    .samplerOption, "The reference flavour has levels and step sizes of its own, by its scalars.",
                    remedy: "Leave \(name) out.")
            }
            settings = .reference(try Self.reference(options, bundle, noiseLevel: noiseLevel))
        }
    }

    /// Whether a RAM network is needed, whatever the operator.
    static func startsFromRAM(_ options: SamplingOptions, bundle: BundleSettings?) -> Bool {
        (options.wantedStart ?? (bundle?.usesRAM == true ? .ram : nil)) == .ram
    }

    private static func exact(
        _ options: SamplingOptions, _ bundle: BundleSettings?, _ forward: any ForwardOperator, noiseLevel: Double,
        warmStart: WarmStart
    ) throws -> SamplerConfiguration {
        var recipe = ZeroShotRecipe.recommended(for: forward)
        recipe.iterations =
            options.iterations
            ?? (options.posteriorSpread ? SamplerConfiguration.posteriorSpreadIterations : bundle?.iterations)
            ?? recipe.iterations
        recipe.eta = options.eta ?? bundle?.eta ?? recipe.eta
        let grid = try timeGrid(options, bundle, steps: recipe.steps)
        recipe.steps = grid.count
        var configuration = try recipe.configuration(noiseLevel: noiseLevel)
        configuration.grid = grid
        configuration.warmStart = warmStart
        if let weight = bundle?.scalars.lambdaSigma { configuration.dataWeight = .constant(exp(weight)) }
        if options.posteriorSpread { configuration.setPosteriorSpread() }
        configuration.denoisingStrength = options.denoisingStrength ?? configuration.denoisingStrength
        if let weights = options.dataWeight { configuration.dataWeight = schedule(weights) }
        if let factors = options.stepFactor { configuration.stepFactor = schedule(factors) }
        if let levels = options.levels {
            configuration.innerLevels =
                levels.count == 2 && configuration.evaluationCount != 2
                ? .geometric(from: levels[0], to: levels[1]) : schedule(levels)
        }
        if let level = options.closingLevel { configuration.closingLevel = level > 0 ? level : nil }
        switch options.solver ?? .mixture {
        case .mixture: break
        case .ddim: configuration.transition = .ddim(eta: recipe.eta)
        case .ddpm: configuration.transition = .ddim(eta: 1)
        }
        try configuration.validate()
        return configuration
    }

    /// One value is that of all iterations.
    private static func schedule(_ values: [Double]) -> IterationSchedule {
        values.count == 1 ? .constant(values[0]) : .each(values)
    }

    private static func reference(
        _ options: SamplingOptions, _ bundle: BundleSettings?, noiseLevel: Double
    ) throws -> PublishedSettings {
        let trained = bundle?.scalars ?? HQSScalars()
        return PublishedSettings(
            grid: try timeGrid(options, bundle, steps: 3), iterations: options.iterations ?? bundle?.iterations ?? 3,
            noiseLevel: noiseLevel,
            scalars: .init(
                step: trained.sp ?? 0, dataWeight: options.dataWeight?.first.map(log) ?? trained.lambdaSigma,
                timestepShift: trained.tAug ?? 0, latentShift: trained.tLat ?? 0),
            eta: options.eta ?? bundle?.eta ?? 0.8)
    }

    private static func timeGrid(
        _ options: SamplingOptions, _ bundle: BundleSettings?, steps: Int
    ) throws -> TimeGrid {
        if let timesteps = options.timesteps { return try TimeGrid(timesteps: timesteps) }
        if options.steps == nil, options.gridKind == nil, let timesteps = bundle?.timesteps {
            return try TimeGrid(timesteps: timesteps)
        }
        let count = options.steps ?? bundle?.steps ?? steps
        switch options.gridKind ?? .quadratic {
        case .quadratic: return try .quadratic(steps: count)
        case .uniform: return try .uniform(steps: count)
        }
    }

    /// The sampler of one image.
    /// - Parameters:
    ///   - denoiser: The prior.
    ///   - forward: The operator that the plan was made for.
    ///   - noise: Random numbers.
    ///   - ram: The RAM network, where the plan starts from one.
    /// - Returns: The sampler of the plan's flavour.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `operator-not-linear` for RAM through JPEG, or what the sampler says.
    func sampler(
        denoiser: any Denoiser, forward: any ForwardOperator, noise: any NoiseSource, ram: RAMNetwork?
    ) throws -> any PosteriorSampler {
        var estimator: RAMInitialEstimate?
        if let ram {
            guard !(forward is StackedOperator) else {
                throw UD2MError(
                    .samplerOption, "RAM starts from one observation, and the operator is a stack.",
                    remedy: "Pass --warm-start adjoint.")
            }
            guard let linear = forward as? any LinearForwardOperator else {
                throw UD2MError(
                    .operatorNotLinear, "RAM restores through linear operators only, and compression as JPEG is none.",
                    remedy: "Pass --warm-start adjoint.")
            }
            estimator =
                switch settings {
                case .exact: try RAMInitialEstimate(network: ram, forwardOperator: linear, noiseLevel: noiseLevel)
                case .reference: try .published(network: ram, forwardOperator: linear, noiseLevel: noiseLevel)
                }
        }
        switch settings {
        case .exact(let configuration):
            return try UnfoldedSampler(
                schedule: schedule.noiseSchedule, denoiser: denoiser, forwardOperator: forward,
                configuration: configuration, noise: noise, initialEstimator: estimator)
        case .reference(let published):
            return try PublishedSampler(
                schedule: schedule.noiseSchedule, denoiser: denoiser, forwardOperator: forward, settings: published,
                noise: noise, initialEstimator: estimator)
        }
    }
}

extension BundleSettings.Schedule {
    /// The schedule.
    var noiseSchedule: NoiseSchedule { self == .linear ? .linear : .cosine }
}

extension UD2MError.Code {
    /// A flag makes no sense with the sampler's flavour.
    static let samplerOption = UD2MError.Code("sampler-option", .usage)
}
