import UD2MFormats
import UD2MRuntime
import UD2MSampler

/// The law of estimate and state, followed through the unfolded sampler without drawing anything.
///
/// With a normal prior every step of the sampler is linear in what it is given, so that mean and covariance after it
/// follow from those before. Written from Algorithm 1 with dense matrices; shares no code with the sampler but the tables
/// of the schedule and the settings.
struct SamplerLaw {
    /// The estimate's mean and covariance.
    private(set) var estimate: NormalLaw
    private var stateMean: [Double]
    private var stateCovariance: DenseMatrix
    /// Cov(estimate, state).
    private var cross: DenseMatrix

    private let problem: GaussianProblem
    private let configuration: SamplerConfiguration
    private let schedule = NoiseSchedule.linear
    private let identity = DenseMatrix.identity(StationaryPrior.count)
    private let gram: DenseMatrix
    private let adjoint: [Double]

    /// The law of a sample of the first observation.
    static func result(_ problem: GaussianProblem, _ configuration: SamplerConfiguration) throws -> NormalLaw {
        var law = try SamplerLaw(problem, configuration)
        let timesteps = configuration.grid.timesteps
        for (step, timestep) in timesteps.enumerated() {
            for iteration in 0..<configuration.iterations {
                try law.iterate(step * configuration.iterations + iteration, timestep: timestep)
            }
            if step + 1 < timesteps.count { law.advance(from: timestep, to: timesteps[step + 1]) }
        }
        return law.estimate
    }

    private init(_ problem: GaussianProblem, _ configuration: SamplerConfiguration) throws {
        let count = StationaryPrior.count
        let zero = DenseMatrix(rows: count, columns: count)
        let start = try problem.forwardOperator.initialEstimate(problem.tensor())
        (self.problem, self.configuration) = (problem, configuration)
        estimate = NormalLaw(mean: start.values[0..<count].map { Double($0) }, covariance: zero)
        stateMean = [Double](repeating: 0, count: count)
        (stateCovariance, cross) = (identity, zero)
        gram = problem.matrix.transposed.times(problem.matrix)
        adjoint = problem.matrix.transposedTimes(problem.observations[0])
    }

    /// z = V·(Aᵀy/(λσ²) + x/δ + xₜ/(√ᾱσₜ²)), w = z + ρn, x = w − s·ρ²(C + ρ²)⁻¹(w − μ).
    private mutating func iterate(_ index: Int, timestep: Int) throws {
        let total = configuration.evaluationCount
        let wanted = configuration.innerLevels.value(index, of: total)
        let anchor = 1 / (configuration.stepFactor.value(index, of: total) * wanted * wanted)
        let level = Double(schedule.sigmas[schedule.nearestTimestep(sigma: wanted)])
        let noise = configuration.noiseLevel
        let data = 1 / (configuration.dataWeight.value(index, of: total) * noise * noise)
        let sigma = Double(schedule.sigmas[timestep])
        let state = 1 / (sigma * sigma)
        let pull = state / Double(schedule.signalScales[timestep])

        let solve = try gram.scaled(data).plus(identity.scaled(anchor + state)).inverted()
        let wide = try problem.prior.covariance.plus(identity.scaled(level * level)).inverted()
        let denoise = identity.minus(wide.scaled(configuration.denoisingStrength * level * level))
        let both = denoise.times(solve)

        let sum = (0..<StationaryPrior.count).map {
            data * adjoint[$0] + anchor * estimate.mean[$0] + pull * stateMean[$0]
        }
        let priorMean = [Double](repeating: StationaryPrior.mean, count: StationaryPrior.count)
        estimate.mean = zip(both.times(sum), identity.minus(denoise).times(priorMean)).map { $0 + $1 }
        let spread =
            estimate.covariance.scaled(anchor * anchor).plus(cross.plus(cross.transposed).scaled(anchor * pull))
            .plus(stateCovariance.scaled(pull * pull))
        estimate.covariance =
            both.times(spread).times(both.transposed).plus(denoise.times(denoise.transposed).scaled(level * level))
        cross = both.times(cross.scaled(anchor).plus(stateCovariance.scaled(pull)))
    }

    /// xₚ = a·x + b·(xₜ − √ᾱₜ·x)/√(1−ᾱₜ) + c·n.
    private mutating func advance(from timestep: Int, to next: Int) {
        let (now, then) = (Double(schedule.cumulativeAlphas[timestep]), Double(schedule.cumulativeAlphas[next]))
        let variance: Double
        switch configuration.transition {
        case .mixture(let eta): variance = eta * eta * (1 - then)
        case .ddim(let eta): variance = eta * eta * (1 - then) / (1 - now) * (1 - now / then)
        case .published(let eta):
            let spread = eta * eta * (1 - then) / (1 - now) * Double(schedule.betas[timestep])
            // The published step adds a second draw, and makes no room for it.
            advance(now, then, kept: 1 - then - spread, fresh: spread * (2 - then))
            return
        }
        advance(now, then, kept: 1 - then - variance, fresh: variance)
    }

    private mutating func advance(_ now: Double, _ then: Double, kept: Double, fresh: Double) {
        let old = (max(kept, 0) / (1 - now)).squareRoot()
        let clean = then.squareRoot() - old * now.squareRoot()
        stateMean = zip(estimate.mean, stateMean).map { clean * $0 + old * $1 }
        stateCovariance =
            estimate.covariance.scaled(clean * clean).plus(cross.plus(cross.transposed).scaled(clean * old))
            .plus(stateCovariance.scaled(old * old)).plus(identity.scaled(fresh))
        cross = estimate.covariance.scaled(clean).plus(cross.scaled(old))
    }
}
