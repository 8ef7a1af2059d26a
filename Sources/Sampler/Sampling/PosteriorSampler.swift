import UD2MFormats
import UD2MRuntime

/// Draws images from the posterior p(x | y): the sampler of either flavour.
public protocol PosteriorSampler: Sendable {
    /// The denoiser's evaluations for one sample.
    var evaluationCount: Int { get }

    /// Draws samples of some indices side by side, all denoised in one run of the network.
    ///
    /// A sample depends on its index alone: the same bytes come whatever else is drawn beside it.
    /// - Parameters:
    ///   - indices: The samples, from 0 to 4 294 967 295.
    ///   - observation: y, NCHW in [-1, 1] units.
    ///   - monitor: Progress, what happens inside, and cancellation.
    /// - Returns: One tensor a sample, of the operator's image size.
    /// - Throws: `UD2MError` with code `cancelled` when the monitor says so, `not-finite` when the observation or a
    ///   denoised image is not finite, `sampler-configuration` for an index out of range, and the errors of operator,
    ///   denoiser and noise source.
    func draw(_ indices: Range<Int>, observation: Tensor, monitor: SamplerMonitor) throws -> [Tensor]
}

extension PosteriorSampler {
    /// Draws the sample of one index; the others need not be drawn.
    /// - Throws: As ``draw(_:observation:monitor:)``.
    public func sample(_ index: Int, observation: Tensor, monitor: SamplerMonitor = .silent) throws -> Tensor {
        guard index >= 0, index < .max else { throw SampleLanes.noSample(index) }
        return try draw(index..<index + 1, observation: observation, monitor: monitor)[0]
    }

    /// Draws `count` samples, `batch` of them at a time, and hands each batch over before the next begins.
    /// - Parameters:
    ///   - count: S.
    ///   - batch: Samples in one run of the network; memory grows with it.
    ///   - observation: y.
    ///   - monitor: Progress over all samples.
    ///   - body: Takes the index of a sample and the sample.
    /// - Throws: As ``draw(_:observation:monitor:)``, `sampler-configuration` unless count and batch are positive, and
    ///   what `body` throws.
    public func forEachSample(
        count: Int, batch: Int = 1, observation: Tensor, monitor: SamplerMonitor = .silent,
        _ body: (Int, Tensor) throws -> Void
    ) throws {
        guard count > 0, batch > 0 else {
            throw UD2MError(.samplerConfiguration, "\(count) samples in batches of \(batch) cannot be drawn.")
        }
        for start in stride(from: 0, to: count, by: batch) {
            let end = min(start + batch, count)
            var part = monitor
            part.report = { fraction, label in
                let which = end - start == 1 ? "sample \(end) of \(count)" : "samples \(start + 1)…\(end) of \(count)"
                let done = Double(start) + fraction * Double(end - start)
                monitor.report(done / Double(count), count > 1 ? "\(which), \(label)" : label)
            }
            let samples = try draw(start..<end, observation: observation, monitor: part)
            for (offset, sample) in samples.enumerated() { try body(start + offset, sample) }
        }
    }
}

/// What both flavours share: samples in lockstep, one tensor each, that meet only in the denoiser.
struct SampleLanes {
    /// The samples' indices.
    let indices: [UInt32]
    let denoiser: any Denoiser
    let noise: any NoiseSource
    let monitor: SamplerMonitor

    init(
        _ indices: Range<Int>, denoiser: any Denoiser, noise: any NoiseSource, monitor: SamplerMonitor
    ) throws {
        guard let first = indices.first, let last = indices.last else {
            throw UD2MError(.samplerConfiguration, "No sample is asked for.")
        }
        guard UInt32(exactly: first) != nil, UInt32(exactly: last) != nil else { throw Self.noSample(last) }
        self.indices = indices.map { UInt32($0) }
        self.denoiser = denoiser
        self.noise = noise
        self.monitor = monitor
    }

    static func noSample(_ index: Int) -> UD2MError { UD2MError(.samplerConfiguration, "There is no sample \(index).") }

    /// Standard normal noise for every sample.
    func normals(_ draw: NoiseDraw, shape: [Int]) throws -> [Tensor] {
        try indices.map { try noise.normals(draw, sample: $0, shape: shape) }
    }

    /// Adds fresh noise to images and denoises them once: x = (√ᾱ·z + √(1−ᾱ)·n − √(1−ᾱ)·ε̂)/√ᾱ.
    /// - Parameters:
    ///   - images: z of every sample.
    ///   - timestep: Where the denoiser works.
    ///   - schedule: Its schedule.
    ///   - strength: How far towards the denoiser's image to go: 1 all the way.
    ///   - isPerturbed: Whether noise is added; without it z itself is what the denoiser is given.
    ///   - step: The outer step.
    ///   - iteration: The inner iteration.
    /// - Returns: x of every sample.
    /// - Throws: `UD2MError` with code `not-finite`, and the errors of denoiser and noise source.
    func denoised(
        _ images: [Tensor], timestep: Int, schedule: NoiseSchedule, strength: Double = 1,
        isPerturbed: Bool = true, step: Int,
        iteration: Int
    ) throws -> [Tensor] {
        let signal = Double(schedule.signalScales[timestep])
        let noiseScale = Double(schedule.noiseScales[timestep])
        var noisy = images
        if isPerturbed {
            let draw = NoiseDraw.denoising(step: UInt16(step), iteration: UInt16(iteration))
            for (lane, fresh) in try normals(draw, shape: images[0].shape).enumerated() {
                noisy[lane] = try images[lane].combined(signal, fresh, noiseScale)
            }
        }
        show(.noisy, noisy, step: step, iteration: iteration)
        let batch = noisy.count == 1 ? noisy[0] : try Tensor.batch(noisy)
        let predicted = try denoiser.predictNoise(batch, timestep: timestep).divided(into: noisy.count)
        show(.predictedNoise, predicted, step: step, iteration: iteration)
        return try zip(noisy, predicted).map { noisy, predicted in
            let denoised = try noisy.combined(1 / signal, predicted, -strength * noiseScale / signal)
            try denoised.requireFinite("denoised image")
            return denoised
        }
    }

    /// What an outer step starts from: RAM's estimate where there is an estimator, else the weighted adjoint.
    func starts(
        _ states: [Tensor], observation: Tensor, forwardOperator: any ForwardOperator, noiseLevel: Double,
        estimator: RAMInitialEstimate?, timestep: Int, schedule: NoiseSchedule
    ) throws -> [Tensor] {
        let signal = Double(schedule.signalScales[timestep])
        let noiseScale = Double(schedule.noiseScales[timestep])
        return try states.map { state in
            if let estimator {
                return try estimator.estimate(
                    observation: observation, state: state, signalScale: signal, noiseScale: noiseScale)
            }
            return try forwardOperator.weightedAdjointStart(
                observation: observation, estimate: state, noiseLevel: noiseLevel, signalScale: signal,
                noiseScale: noiseScale)
        }
    }

    /// The noise ε in every state if an image were its clean one.
    func predictedNoise(
        _ states: [Tensor], clean: [Tensor], timestep: Int, schedule: NoiseSchedule
    ) throws -> [Tensor] {
        try zip(states, clean).map { state, clean in
            try ReverseTransition.predictedNoise(state: state, clean: clean, timestep: timestep, schedule: schedule)
        }
    }

    /// The states at the next timestep, with fresh noise.
    func states(
        after transition: ReverseTransition, clean: [Tensor], noise: [Tensor], step: Int, from timestep: Int,
        to next: Int, schedule: NoiseSchedule
    ) throws -> [Tensor] {
        let draws = try (0..<transition.drawCount).map { part in
            try normals(.transition(step: UInt16(step), part: UInt16(part)), shape: clean[0].shape)
        }
        return try clean.indices.map { lane in
            try transition.state(
                clean: clean[lane], noise: noise[lane], from: timestep, to: next, schedule: schedule,
                draws: draws.map { $0[lane] })
        }
    }

    /// Shows a point of the run to the monitor.
    func show(_ point: SamplerPoint, _ tensors: [Tensor], step: Int, iteration: Int? = nil) {
        guard let observe = monitor.observe else { return }
        for (index, tensor) in zip(indices, tensors) {
            observe(SamplerEvent(point: point, sample: index, step: step, iteration: iteration, tensor: tensor))
        }
    }

    /// Reports where the run is, and ends it when the monitor says so.
    func announce(step: Int, of steps: Int, iteration: Int, of iterations: Int) throws {
        guard !monitor.isCancelled() else { throw UD2MError(.cancelled, "The run was cancelled.") }
        monitor.report(
            Double(step * iterations + iteration) / Double(steps * iterations),
            "step \(step + 1) of \(steps), iteration \(iteration + 1) of \(iterations)")
    }
}
