import UD2MFormats
import UD2MRuntime

/// Draws images from the posterior p(x | y) by N reverse diffusion steps of K unfolded iterations each
/// (paper, Algorithm 1; `sampler.md` §7).
///
/// One iteration takes the proximal step of the likelihood of observation and noisy state, adds fresh noise at the
/// iteration's level ρ, and denoises once. The result depends on the inputs, the configuration and the noise source
/// alone: every sample can be drawn by itself.
public struct UnfoldedSampler: PosteriorSampler {
    /// The schedule that the denoiser was trained with.
    public let schedule: NoiseSchedule
    /// The prior.
    public let denoiser: any Denoiser
    /// The degradation.
    public let forwardOperator: any ForwardOperator
    /// The settings.
    public let configuration: SamplerConfiguration
    /// Where random numbers come from.
    public let noise: any NoiseSource
    /// What gives the start of every step when the configuration's warm start is RAM.
    public let initialEstimator: RAMInitialEstimate?

    /// Creates a sampler.
    /// - Throws: `UD2MError` with code `sampler-configuration` when a setting is out of range, or `schedule-invalid` when
    ///   the grid does not fit the schedule.
    public init(
        schedule: NoiseSchedule = .linear, denoiser: any Denoiser, forwardOperator: any ForwardOperator,
        configuration: SamplerConfiguration, noise: any NoiseSource, initialEstimator: RAMInitialEstimate? = nil
    ) throws {
        try configuration.validate()
        _ = try TimeGrid(timesteps: configuration.grid.timesteps, scheduleLength: schedule.count)
        self.schedule = schedule
        self.denoiser = denoiser
        self.forwardOperator = forwardOperator
        self.configuration = configuration
        self.noise = noise
        self.initialEstimator = initialEstimator
    }

    /// The denoiser's evaluations for one sample, N·K.
    public var evaluationCount: Int { configuration.evaluationCount }

    /// Draws all samples of the configuration, one after the other.
    ///
    /// - Parameters:
    ///   - observation: y, NCHW in [-1, 1] units.
    ///   - monitor: Progress over all samples, and cancellation.
    /// - Returns: One tensor a sample, in [-1, 1] when estimates are clamped.
    /// - Throws: As ``draw(_:observation:monitor:)``.
    public func samples(observation: Tensor, monitor: SamplerMonitor = .silent) throws -> [Tensor] {
        var samples: [Tensor] = []
        try forEachSample(count: configuration.sampleCount, observation: observation, monitor: monitor) {
            samples.append($1)
        }
        return samples
    }

    /// Draws samples side by side.
    /// - Throws: As ``PosteriorSampler/draw(_:observation:monitor:)``.
    public func draw(
        _ indices: Range<Int>, observation: Tensor, monitor: SamplerMonitor = .silent
    ) throws -> [Tensor] {
        let lanes = try SampleLanes(indices, denoiser: denoiser, noise: noise, monitor: monitor)
        try observation.requireFinite("observation")
        let observation = try forwardOperator.prepared(observation)
        let start = try initialEstimate(observation)
        var estimates = Array(repeating: start, count: indices.count)
        var states = try lanes.normals(.initialState, shape: start.shape)
        let timesteps = configuration.grid.timesteps
        for (step, timestep) in timesteps.enumerated() {
            lanes.show(.state, states, step: step)
            if let starts = try restart(states, observation: observation, timestep: timestep, lanes) {
                estimates = starts
            }
            lanes.show(.start, estimates, step: step)
            for iteration in 0..<configuration.iterations {
                try lanes.announce(
                    step: step, of: timesteps.count, iteration: iteration, of: configuration.iterations)
                estimates = try iterate(
                    estimates, states: states, observation: observation, step: step, iteration: iteration, lanes)
            }
            if step + 1 == timesteps.count, let level = configuration.closingLevel {
                estimates = try estimates.map { try closed($0, level: level, observation: observation) }
            }
            lanes.show(.estimate, estimates, step: step)
            guard step + 1 < timesteps.count else { break }
            let predicted = try lanes.predictedNoise(
                states, clean: estimates, timestep: timestep, schedule: schedule)
            states = try lanes.states(
                after: configuration.transition, clean: estimates, noise: predicted, step: step, from: timestep,
                to: timesteps[step + 1], schedule: schedule)
        }
        monitor.report(1, "done")
        return estimates
    }

    /// What the first iteration of the run starts from.
    private func initialEstimate(_ observation: Tensor) throws -> Tensor {
        switch configuration.warmStart {
        case .pseudoInverse: try forwardOperator.pseudoInverse(observation)
        case .plain, .weightedAdjoint, .ram: try forwardOperator.initialEstimate(observation)
        }
    }

    /// What the iterations of a step start from, where that is not the estimate of the step before.
    private func restart(
        _ states: [Tensor], observation: Tensor, timestep: Int, _ lanes: SampleLanes
    ) throws -> [Tensor]? {
        let estimator: RAMInitialEstimate?
        switch configuration.warmStart {
        case .plain, .pseudoInverse: return nil
        case .weightedAdjoint: estimator = nil
        case .ram:
            guard let initialEstimator else {
                throw UD2MError(.samplerConfiguration, "Starting from RAM needs a RAM network.")
            }
            estimator = initialEstimator
        }
        return try lanes.starts(
            states, observation: observation, forwardOperator: forwardOperator, noiseLevel: configuration.noiseLevel,
            estimator: estimator, timestep: timestep, schedule: schedule)
    }

    /// The last estimate after a proximal step of the likelihood alone around it.
    ///
    /// The noisy state has no part in it: both terms of the objective pull to the estimate, with half of 1/r² each.
    private func closed(_ estimate: Tensor, level: Double, observation: Tensor) throws -> Tensor {
        let count = configuration.evaluationCount
        let weight = configuration.dataWeight.value(count - 1, of: count)
        let closed = try forwardOperator.proximalStep(
            ProximalObjective(
                observation: observation, noiseLevel: configuration.noiseLevel, dataWeight: weight, state: estimate,
                stateScale: 1, stateNoiseLevel: 2.0.squareRoot() * level, anchor: estimate,
                stepSize: 2 * level * level))
        return configuration.clampsEstimates ? try closed.clamped() : closed
    }

    /// One iteration: proximal step, fresh noise, denoising.
    private func iterate(
        _ estimates: [Tensor], states: [Tensor], observation: Tensor, step: Int, iteration: Int, _ lanes: SampleLanes
    ) throws -> [Tensor] {
        let timestep = configuration.grid.timesteps[step]
        let (index, count) = (step * configuration.iterations + iteration, configuration.evaluationCount)
        let level = configuration.innerLevels.value(index, of: count)
        let proximal = try zip(estimates, states).map { estimate, state in
            try forwardOperator.proximalStep(
                ProximalObjective(
                    observation: observation, noiseLevel: configuration.noiseLevel,
                    dataWeight: configuration.dataWeight.value(index, of: count), state: state,
                    stateScale: Double(schedule.signalScales[timestep]),
                    stateNoiseLevel: Double(schedule.sigmas[timestep]), anchor: estimate,
                    stepSize: configuration.stepFactor.value(index, of: count) * level * level))
        }
        lanes.show(.proximal, proximal, step: step, iteration: iteration)
        let inner = schedule.nearestTimestep(sigma: level)
        var denoised = try lanes.denoised(
            proximal, timestep: inner, schedule: schedule, strength: configuration.denoisingStrength, step: step,
            iteration: iteration)
        if configuration.clampsEstimates { denoised = try denoised.map { try $0.clamped() } }
        lanes.show(.denoised, denoised, step: step, iteration: iteration)
        return denoised
    }
}
