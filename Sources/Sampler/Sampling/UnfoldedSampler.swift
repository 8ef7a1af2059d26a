import UD2MFormats
import UD2MRuntime

/// Draws images from the posterior p(x | y) by N reverse diffusion steps of K unfolded iterations each
/// (paper, Algorithm 1; `sampler.md` §7).
///
/// One iteration takes the proximal step of the likelihood of observation and noisy state, adds fresh noise at the
/// iteration's level ρ, and denoises once. The result depends on the inputs, the configuration and the noise source
/// alone: every sample can be drawn by itself.
public struct UnfoldedSampler: Sendable {
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

    /// Creates a sampler.
    /// - Throws: `UD2MError` with code `sampler-configuration` when a setting is out of range, or `schedule-invalid` when
    ///   the grid does not fit the schedule.
    public init(
        schedule: NoiseSchedule = .linear, denoiser: any Denoiser, forwardOperator: any ForwardOperator,
        configuration: SamplerConfiguration, noise: any NoiseSource
    ) throws {
        try configuration.validate()
        _ = try TimeGrid(timesteps: configuration.grid.timesteps, scheduleLength: schedule.count)
        self.schedule = schedule
        self.denoiser = denoiser
        self.forwardOperator = forwardOperator
        self.configuration = configuration
        self.noise = noise
    }

    /// Draws all samples, one after the other.
    ///
    /// - Parameters:
    ///   - observation: y, NCHW in [-1, 1] units.
    ///   - monitor: Progress over all samples, and cancellation.
    /// - Returns: One tensor a sample, in [-1, 1] when estimates are clamped.
    /// - Throws: `UD2MError` with code `cancelled` when the monitor says so, `not-finite` when the observation or a
    ///   denoised image is not finite, and the errors of operator, denoiser and noise source.
    public func samples(observation: Tensor, monitor: SamplerMonitor = .silent) throws -> [Tensor] {
        let count = configuration.sampleCount
        return try (0..<count).map { index in
            var part = monitor
            part.report = { fraction, label in
                let prefix = count > 1 ? "sample \(index + 1) of \(count), " : ""
                monitor.report((Double(index) + fraction) / Double(count), prefix + label)
            }
            return try sample(index, observation: observation, monitor: part)
        }
    }

    /// Draws the sample of one index; the others need not be drawn.
    ///
    /// - Parameters:
    ///   - index: The sample, from 0 to 4 294 967 295.
    ///   - observation: y, NCHW in [-1, 1] units.
    ///   - monitor: Progress of this sample, and cancellation.
    /// - Returns: Images of the operator's size, in [-1, 1] when estimates are clamped.
    /// - Throws: As ``samples(observation:monitor:)``, and `sampler-configuration` for an index out of range.
    public func sample(_ index: Int, observation: Tensor, monitor: SamplerMonitor = .silent) throws -> Tensor {
        guard let sample = UInt32(exactly: index) else {
            throw UD2MError(.samplerConfiguration, "There is no sample \(index).")
        }
        try observation.requireFinite("observation")
        var estimate = try forwardOperator.initialEstimate(observation)
        var state = try noise.normals(.initialState, sample: sample, shape: estimate.shape)
        let timesteps = configuration.grid.timesteps
        for (step, timestep) in timesteps.enumerated() {
            for iteration in 0..<configuration.iterations {
                try announce(step: step, iteration: iteration, to: monitor)
                estimate = try iterate(
                    estimate, state: state, observation: observation, step: step, iteration: iteration, sample: sample)
            }
            guard step + 1 < timesteps.count else { break }
            let predicted = try ReverseTransition.predictedNoise(
                state: state, clean: estimate, timestep: timestep, schedule: schedule)
            let draws = try (0..<configuration.transition.drawCount).map { part in
                try noise.normals(
                    .transition(step: UInt16(step), part: UInt16(part)), sample: sample, shape: state.shape)
            }
            state = try configuration.transition.state(
                clean: estimate, noise: predicted, from: timestep, to: timesteps[step + 1], schedule: schedule,
                draws: draws)
        }
        monitor.report(1, "done")
        return estimate
    }

    /// One iteration: proximal step, fresh noise, denoising.
    private func iterate(
        _ estimate: Tensor, state: Tensor, observation: Tensor, step: Int, iteration: Int, sample: UInt32
    ) throws -> Tensor {
        let timestep = configuration.grid.timesteps[step]
        let level = configuration.innerLevels.level(
            step * configuration.iterations + iteration, of: configuration.evaluationCount)
        let objective = try ProximalObjective(
            observation: observation, noiseLevel: configuration.noiseLevel, dataWeight: configuration.dataWeight,
            state: state, stateScale: Double(schedule.signalScales[timestep]),
            stateNoiseLevel: Double(schedule.sigmas[timestep]), anchor: estimate,
            stepSize: configuration.stepFactor * level * level)
        let proximal = try forwardOperator.proximalStep(objective)

        let inner = schedule.nearestTimestep(sigma: level)
        let signal = Double(schedule.signalScales[inner])
        let noiseScale = Double(schedule.noiseScales[inner])
        let fresh = try noise.normals(
            .denoising(step: UInt16(step), iteration: UInt16(iteration)), sample: sample, shape: proximal.shape)
        let noisy = try proximal.combined(signal, fresh, noiseScale)
        let predicted = try denoiser.predictNoise(noisy, timestep: inner)
        let denoised = try noisy.combined(1 / signal, predicted, -noiseScale / signal)
        try denoised.requireFinite("denoised image")
        return configuration.clampsEstimates ? try denoised.clamped() : denoised
    }

    private func announce(step: Int, iteration: Int, to monitor: SamplerMonitor) throws {
        guard !monitor.isCancelled() else { throw UD2MError(.cancelled, "The run was cancelled.") }
        let done = step * configuration.iterations + iteration
        monitor.report(
            Double(done) / Double(configuration.evaluationCount),
            "step \(step + 1) of \(configuration.grid.count), iteration \(iteration + 1) of \(configuration.iterations)"
        )
    }
}
