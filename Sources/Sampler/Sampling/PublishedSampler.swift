import UD2MFormats
import UD2MRuntime

/// The sampler as the paper's code runs it, which trained checkpoints expect (`sampler.md` §7.4–7.6).
///
/// It differs from ``UnfoldedSampler`` in the step that stands for the proximal one, in the noise levels, which follow
/// from σ and the learned scalars, in what every step starts from, and in the transition. Use it with the adapter that
/// was trained for the task; for a plain prior the other is right.
public struct PublishedSampler: PosteriorSampler {
    /// The schedule that the denoiser was trained with.
    public let schedule: NoiseSchedule
    /// The prior with the task's adapter.
    public let denoiser: any Denoiser
    /// The degradation.
    public let forwardOperator: any ForwardOperator
    /// The settings.
    public let settings: PublishedSettings
    /// Where random numbers come from.
    public let noise: any NoiseSource
    /// RAM, for checkpoints that were trained with it: the start of every step. Nil for the weighted adjoint.
    public let initialEstimator: RAMInitialEstimate?

    /// Creates a sampler.
    /// - Throws: `UD2MError` with code `sampler-configuration` when a setting is out of range, or `schedule-invalid` when
    ///   the grid does not fit the schedule.
    public init(
        schedule: NoiseSchedule = .linear, denoiser: any Denoiser, forwardOperator: any ForwardOperator,
        settings: PublishedSettings, noise: any NoiseSource, initialEstimator: RAMInitialEstimate? = nil
    ) throws {
        try settings.validate()
        _ = try TimeGrid(timesteps: settings.grid.timesteps, scheduleLength: schedule.count)
        self.schedule = schedule
        self.denoiser = denoiser
        self.forwardOperator = forwardOperator
        self.settings = settings
        self.noise = noise
        self.initialEstimator = initialEstimator
    }

    /// The denoiser's evaluations for one sample, N·K; RAM's N come on top.
    public var evaluationCount: Int { settings.grid.count * settings.iterations }

    /// Draws samples side by side.
    /// - Returns: Images in [-1, 1].
    /// - Throws: As ``PosteriorSampler/draw(_:observation:monitor:)``.
    public func draw(
        _ indices: Range<Int>, observation: Tensor, monitor: SamplerMonitor = .silent
    ) throws -> [Tensor] {
        let lanes = try SampleLanes(indices, on: HostBackend(denoiser: denoiser, noise: noise), monitor: monitor)
        try observation.requireFinite("observation")
        var states = try lanes.normals(
            .initialState, shape: try forwardOperator.publishedStart(observation).shape)
        let timesteps = settings.grid.timesteps
        for (step, timestep) in timesteps.enumerated() {
            try lanes.show(.state, states, step: step)
            let inner = settings.innerStep(
                timestep: timestep, schedule: schedule, hasMissingPixels: forwardOperator is Inpainting)
            var images = try lanes.starts(
                states, observation: observation, forwardOperator: forwardOperator, noiseLevel: settings.noiseLevel,
                estimator: initialEstimator, timestep: timestep, schedule: schedule)
            try lanes.show(.start, images, step: step)
            for iteration in 0..<settings.iterations {
                try lanes.announce(step: step, of: timesteps.count, iteration: iteration, of: settings.iterations)
                images = try iterate(
                    images, states: states, observation: observation, at: inner, step: step, iteration: iteration, lanes
                )
            }
            let estimates = try images.map { try $0.clamped() }
            try lanes.show(.estimate, estimates, step: step)
            // The noise is that of the estimate before it is limited.
            let predicted = try lanes.predictedNoise(
                states, clean: images, timestep: timestep, schedule: schedule)
            try lanes.show(.stateNoise, predicted, step: step)
            guard step + 1 < timesteps.count else {
                states = estimates
                break
            }
            states = try lanes.states(
                after: .published(eta: settings.eta), clean: estimates, noise: predicted, step: step, from: timestep,
                to: timesteps[step + 1], schedule: schedule)
        }
        monitor.report(1, "done")
        return states
    }

    /// One iteration: the published step, fresh noise, denoising, and known pixels put back in all but the last two.
    private func iterate(
        _ images: [Tensor], states: [Tensor], observation: Tensor, at inner: PublishedSettings.InnerStep, step: Int,
        iteration: Int, _ lanes: SampleLanes<HostBackend>
    ) throws -> [Tensor] {
        let timestep = settings.grid.timesteps[step]
        let inpainting = forwardOperator as? Inpainting
        let proximal = try zip(images, states).map { image, state in
            try forwardOperator.publishedStep(
                ProximalObjective(
                    observation: observation, noiseLevel: settings.noiseLevel, dataWeight: settings.scalars.lambda,
                    state: state, stateScale: Double(schedule.signalScales[timestep]),
                    stateNoiseLevel: Double(schedule.sigmas[timestep]), anchor: image,
                    stepSize: inner.level * inner.level))
        }
        try lanes.show(.proximal, proximal, step: step, iteration: iteration)
        var denoised = try lanes.denoised(
            proximal, timestep: inner.timestep, schedule: schedule, isPerturbed: settings.isPerturbed, step: step,
            iteration: iteration)
        if let inpainting, iteration < settings.iterations - 2 {
            denoised = try denoised.map { try inpainting.pasting(observation, into: $0) }
        }
        try lanes.show(.denoised, denoised, step: step, iteration: iteration)
        return denoised
    }
}
