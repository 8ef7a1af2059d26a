import UD2MFormats
import UD2MRuntime

/// Draws images from the prior alone, to see what it has learnt: reverse diffusion without an observation.
public struct PriorSampler: Sendable {
    /// The schedule that the denoiser was trained with.
    public let schedule: NoiseSchedule
    /// The prior.
    public let denoiser: any Denoiser
    /// The timesteps, noisiest first.
    public let grid: TimeGrid
    /// η of ``ReverseTransition/ddim(eta:)``: 0 is deterministic DDIM, 1 is DDPM.
    public let eta: Double
    /// Where random numbers come from.
    public let noise: any NoiseSource

    /// Creates a sampler.
    /// - Throws: `UD2MError` with code `sampler-configuration` for an η out of 0 ... 1, `schedule-invalid` when the grid does
    ///   not fit the schedule.
    public init(
        schedule: NoiseSchedule = .linear, denoiser: any Denoiser, grid: TimeGrid, eta: Double = 0,
        noise: any NoiseSource
    ) throws {
        guard (0...1).contains(eta) else {
            throw UD2MError(.samplerConfiguration, "η must lie between 0 and 1, not \(eta).")
        }
        _ = try TimeGrid(timesteps: grid.timesteps, scheduleLength: schedule.count)
        self.schedule = schedule
        self.denoiser = denoiser
        self.grid = grid
        self.eta = eta
        self.noise = noise
    }

    /// Draws samples side by side: on a device, where the denoiser has its images there.
    /// - Parameters:
    ///   - indices: The samples; each depends on its index alone.
    ///   - shape: The shape of one, [1, channels, height, width].
    ///   - monitor: Progress, events and cancellation.
    /// - Returns: One tensor a sample, in [-1, 1].
    /// - Throws: As ``PosteriorSampler/draw(_:observation:monitor:)``.
    public func draw(_ indices: Range<Int>, shape: [Int], monitor: SamplerMonitor = .silent) throws -> [Tensor] {
        if let backend = DeviceBackend(denoiser, noise) {
            return try draw(SampleLanes(indices, on: backend, monitor: monitor), shape)
        }
        let backend = HostBackend(denoiser: denoiser, noise: noise)
        return try draw(SampleLanes(indices, on: backend, monitor: monitor), shape)
    }

    private func draw<Backend: SampleBackend>(_ lanes: SampleLanes<Backend>, _ shape: [Int]) throws -> [Tensor] {
        var states = try lanes.normals(.initialState, shape: shape)
        for (step, timestep) in grid.timesteps.enumerated() {
            try lanes.announce(step: step, of: grid.count, iteration: 0, of: 1)
            try lanes.show(.state, states, step: step)
            let estimates = try lanes.denoised(
                states, timestep: timestep, schedule: schedule, isPerturbed: false, step: step, iteration: 0
            ).map { try lanes.backend.clamped($0) }
            try lanes.show(.estimate, estimates, step: step)
            guard step + 1 < grid.count else {
                states = estimates
                break
            }
            // The noise that belongs to the limited estimate.
            let predicted = try lanes.predictedNoise(
                states, clean: estimates, timestep: timestep, schedule: schedule)
            states = try lanes.states(
                after: .ddim(eta: eta), clean: estimates, noise: predicted, step: step, from: timestep,
                to: grid.timesteps[step + 1], schedule: schedule)
        }
        let samples = try states.map { try lanes.backend.tensor($0) }
        lanes.monitor.report(1, "done")
        return samples
    }
}
