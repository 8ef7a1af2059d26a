import UD2MFormats
import UD2MRuntime

/// What all samplers share: samples in lockstep, one image each, that meet only in the denoiser.
struct SampleLanes<Backend: SampleBackend> {
    typealias Image = Backend.Image

    /// The samples' indices.
    let indices: [UInt32]
    let backend: Backend
    let monitor: SamplerMonitor

    init(_ indices: Range<Int>, on backend: Backend, monitor: SamplerMonitor) throws {
        guard let first = indices.first, let last = indices.last else {
            throw UD2MError(.samplerConfiguration, "No sample is asked for.")
        }
        guard UInt32(exactly: first) != nil, UInt32(exactly: last) != nil else { throw UD2MError.noSample(last) }
        self.indices = indices.map { UInt32($0) }
        self.backend = backend
        self.monitor = monitor
    }

    /// Standard normal noise for every sample.
    func normals(_ draw: NoiseDraw, shape: [Int]) throws -> [Image] {
        try indices.map { try backend.normals(draw, sample: $0, shape: shape) }
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
        _ images: [Image], timestep: Int, schedule: NoiseSchedule, strength: Double = 1,
        isPerturbed: Bool = true, step: Int,
        iteration: Int
    ) throws -> [Image] {
        let signal = Double(schedule.signalScales[timestep])
        let noiseScale = Double(schedule.noiseScales[timestep])
        var noisy = images
        if isPerturbed {
            let draw = NoiseDraw.denoising(step: UInt16(step), iteration: UInt16(iteration))
            noisy = try zip(images, indices).map { image, index in
                try backend.noisy(image, signal, draw, sample: index, noiseScale)
            }
        }
        try show(.noisy, noisy, step: step, iteration: iteration)
        let predicted = try backend.predictNoise(noisy, timestep: timestep)
        try show(.predictedNoise, predicted, step: step, iteration: iteration)
        return try zip(noisy, predicted).map { noisy, predicted in
            let denoised = try backend.combined(noisy, 1 / signal, predicted, -strength * noiseScale / signal)
            guard try backend.isFinite(denoised) else { throw UD2MError.notFinite("denoised image") }
            return denoised
        }
    }

    /// What an outer step starts from: RAM's estimate where there is an estimator, else the weighted adjoint. On the CPU.
    func starts(
        _ states: [Image], observation: Tensor, forwardOperator: any ForwardOperator, noiseLevel: Double,
        estimator: RAMInitialEstimate?, timestep: Int, schedule: NoiseSchedule
    ) throws -> [Image] {
        let signal = Double(schedule.signalScales[timestep])
        let noiseScale = Double(schedule.noiseScales[timestep])
        return try states.map { image in
            let state = try backend.tensor(image)
            if let estimator {
                return try backend.image(
                    estimator.estimate(
                        observation: observation, state: state, signalScale: signal, noiseScale: noiseScale))
            }
            return try backend.image(
                forwardOperator.weightedAdjointStart(
                    observation: observation, estimate: state, noiseLevel: noiseLevel, signalScale: signal,
                    noiseScale: noiseScale))
        }
    }

    /// The noise ε in every state if an image were its clean one.
    func predictedNoise(
        _ states: [Image], clean: [Image], timestep: Int, schedule: NoiseSchedule
    ) throws -> [Image] {
        let weights = ReverseTransition.noiseWeights(timestep: timestep, schedule: schedule)
        return try zip(states, clean).map { state, clean in
            try backend.combined(state, weights.state, clean, weights.clean)
        }
    }

    /// The states at the next timestep, with fresh noise.
    func states(
        after transition: ReverseTransition, clean: [Image], noise: [Image], step: Int, from timestep: Int,
        to next: Int, schedule: NoiseSchedule
    ) throws -> [Image] {
        let weights = transition.weights(from: timestep, to: next, schedule: schedule)
        return try clean.indices.map { lane in
            var state = try backend.combined(clean[lane], weights.clean, noise[lane], weights.noise)
            for (part, weight) in weights.draws.enumerated() {
                let draw = NoiseDraw.transition(step: UInt16(step), part: UInt16(part))
                state = try backend.noisy(state, 1, draw, sample: indices[lane], weight)
            }
            return state
        }
    }

    /// Shows a point of the run to the monitor.
    func show(_ point: SamplerPoint, _ images: [Image], step: Int, iteration: Int? = nil) throws {
        guard let observe = monitor.observe else { return }
        for (index, image) in zip(indices, images) {
            observe(
                SamplerEvent(
                    point: point, sample: index, step: step, iteration: iteration, tensor: try backend.tensor(image)))
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
