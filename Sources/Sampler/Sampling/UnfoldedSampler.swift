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

    /// Draws samples side by side: on a device, where the denoiser has its images there.
    /// - Throws: As ``PosteriorSampler/draw(_:observation:monitor:)``.
    public func draw(
        _ indices: Range<Int>, observation: Tensor, monitor: SamplerMonitor = .silent
    ) throws -> [Tensor] {
        if let backend = DeviceBackend(denoiser, noise) {
            let lanes = try SampleLanes(indices, on: backend, monitor: monitor)
            return try draw(lanes, observation) {
                try DeviceLikelihood(forwardOperator, observation: $0, on: backend.arithmetic)
            }
        }
        let lanes = try SampleLanes(indices, on: HostBackend(denoiser: denoiser, noise: noise), monitor: monitor)
        return try draw(lanes, observation) {
            HostLikelihood(forwardOperator: forwardOperator, observation: $0)
        }
    }

    private func draw<Backend: SampleBackend>(
        _ lanes: SampleLanes<Backend>, _ observation: Tensor,
        _ makeLikelihood: (Tensor) throws -> some LikelihoodStep<Backend.Image>
    ) throws -> [Tensor] {
        try observation.requireFinite("observation")
        let observation = try forwardOperator.prepared(observation)
        let start = try initialEstimate(observation)
        let likelihood = try makeLikelihood(observation)
        var estimates = Array(repeating: try lanes.backend.image(start), count: lanes.indices.count)
        var states = try lanes.normals(.initialState, shape: start.shape)
        let timesteps = configuration.grid.timesteps
        for (step, timestep) in timesteps.enumerated() {
            try lanes.show(.state, states, step: step)
            if let starts = try restart(states, observation: observation, timestep: timestep, lanes) {
                estimates = starts
            }
            try lanes.show(.start, estimates, step: step)
            for iteration in 0..<configuration.iterations {
                try lanes.announce(
                    step: step, of: timesteps.count, iteration: iteration, of: configuration.iterations)
                estimates = try iterate(
                    estimates, states: states, likelihood, step: step, iteration: iteration, lanes)
            }
            if step + 1 == timesteps.count, let level = configuration.closingLevel {
                estimates = try estimates.map { try closed($0, level: level, likelihood, lanes.backend) }
            }
            try lanes.show(.estimate, estimates, step: step)
            guard step + 1 < timesteps.count else { break }
            let predicted = try lanes.predictedNoise(
                states, clean: estimates, timestep: timestep, schedule: schedule)
            states = try lanes.states(
                after: configuration.transition, clean: estimates, noise: predicted, step: step, from: timestep,
                to: timesteps[step + 1], schedule: schedule)
        }
        let samples = try estimates.map { try lanes.backend.tensor($0) }
        lanes.monitor.report(1, "done")
        return samples
    }

    /// What the first iteration of the run starts from.
    private func initialEstimate(_ observation: Tensor) throws -> Tensor {
        switch configuration.warmStart {
        case .pseudoInverse: try forwardOperator.pseudoInverse(observation)
        case .plain, .weightedAdjoint, .ram: try forwardOperator.initialEstimate(observation)
        }
    }

    /// What the iterations of a step start from, where that is not the estimate of the step before.
    private func restart<Backend: SampleBackend>(
        _ states: [Backend.Image], observation: Tensor, timestep: Int, _ lanes: SampleLanes<Backend>
    ) throws -> [Backend.Image]? {
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
    private func closed<Backend: SampleBackend>(
        _ estimate: Backend.Image, level: Double, _ likelihood: some LikelihoodStep<Backend.Image>, _ backend: Backend
    ) throws -> Backend.Image {
        let count = configuration.evaluationCount
        let scalars = try ProximalScalars(
            noiseLevel: configuration.noiseLevel, dataWeight: configuration.dataWeight.value(count - 1, of: count),
            stateScale: 1, stateNoiseLevel: 2.0.squareRoot() * level, stepSize: 2 * level * level)
        let closed = try likelihood.proximal(anchor: estimate, state: estimate, scalars)
        return configuration.clampsEstimates ? try backend.clamped(closed) : closed
    }

    /// One iteration: proximal step, fresh noise, denoising.
    private func iterate<Backend: SampleBackend>(
        _ estimates: [Backend.Image], states: [Backend.Image], _ likelihood: some LikelihoodStep<Backend.Image>,
        step: Int, iteration: Int, _ lanes: SampleLanes<Backend>
    ) throws -> [Backend.Image] {
        let timestep = configuration.grid.timesteps[step]
        let (index, count) = (step * configuration.iterations + iteration, configuration.evaluationCount)
        let level = configuration.innerLevels.value(index, of: count)
        let scalars = try ProximalScalars(
            noiseLevel: configuration.noiseLevel, dataWeight: configuration.dataWeight.value(index, of: count),
            stateScale: Double(schedule.signalScales[timestep]), stateNoiseLevel: Double(schedule.sigmas[timestep]),
            stepSize: configuration.stepFactor.value(index, of: count) * level * level)
        let proximal = try zip(estimates, states).map { estimate, state in
            try likelihood.proximal(anchor: estimate, state: state, scalars)
        }
        try lanes.show(.proximal, proximal, step: step, iteration: iteration)
        let inner = schedule.nearestTimestep(sigma: level)
        var denoised = try lanes.denoised(
            proximal, timestep: inner, schedule: schedule, strength: configuration.denoisingStrength, step: step,
            iteration: iteration)
        if configuration.clampsEstimates { denoised = try denoised.map { try lanes.backend.clamped($0) } }
        try lanes.show(.denoised, denoised, step: step, iteration: iteration)
        return denoised
    }
}
