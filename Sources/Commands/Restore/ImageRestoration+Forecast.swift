import UD2MImaging
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

/// What a restoration would take, told from sizes and from work on a corner of the image: a result may be far larger than
/// its observation, and a plan must not need the memory that it is asked about.
extension ImageRestoration {
    /// - Parameter timers: Run and time what a restoration does, where the time is wanted.
    /// - Returns: Evaluations, memory and, timed, the time.
    /// - Throws: As ``restore(progress:)``.
    func forecast(timers: ForecastTimers?) throws -> RestoreForecast {
        let problem = try problem(isPlan: true)
        let batch = min(posterior.batch, posterior.samples)
        let memory = try prior.memory(height: problem.height, width: problem.width, batch: batch)
        // One image at a time.
        let expected = try timers.map { timers in
            let evaluation = try timers.evaluation.seconds([1, prior.channels, problem.height, problem.width])
            let sampler = try timers.sampler(height: problem.height, width: problem.width) {
                try samplerSeconds(problem)
            }
            return (
                network: evaluation * Double(problem.settings.networkEvaluations),
                other: sampler * Double(posterior.samples)
            )
        }
        return RestoreForecast(
            store: prior.path, bundle: prior.bundle?.path, device: prior.device, image: image.path,
            observations: observationPaths,
            output: places.output, files: places.others, operator: factory.specification, settings: problem.settings,
            width: problem.width, height: problem.height, networkMemory: memory, weightsMapped: prior.mappedBytes,
            likelihoodMemory: likelihoodMemory(problem, batch: batch),
            sampleMemory: sampleMemory(problem, batch: batch), imageMemory: imageMemory(problem),
            operatorText: problem.forward.summary, expectedNetworkSeconds: expected?.network,
            expectedOtherSeconds: expected?.other, expectedSeconds: expected.map { $0.network + $0.other })
    }

    /// Seconds of a sample's likelihood steps, noise and start: those of the corner that the operator is for, and as many
    /// more as Fourier transforms of all of it take.
    private func samplerSeconds(_ problem: Problem) throws -> Double {
        let evaluations = problem.settings.networkEvaluations / posterior.samples
        let corner = try corner(problem)
        let observation = try observation(corner)
        let timer = SamplerTimer(prior.denoiser)
        let sampler = try problem.plan.sampler(
            denoiser: timer, forward: problem.forward,
            noise: noise(corner, observation, of: problem), ram: ram)
        do {
            try sampler.forEachSample(count: 1, observation: observation) { _, _ in }
        } catch is SamplerTimer.Enough {}
        func transform(_ pixels: Int) -> Double { Double(pixels) * log2(Double(max(pixels, 2))) }
        return timer.seconds(evaluations: evaluations) * transform(problem.pixels) / transform(corner.pixels)
    }

    /// The part of the problem that its operator is for.
    private func corner(_ problem: Problem) throws -> Problem {
        let size = problem.forward.imageSize
        guard (size.height, size.width) != (problem.height, problem.width) else { return problem }
        let observations = try zip(problem.observations, factory.parts).map { image, part in
            try image.cropped(x: 0, y: 0, width: size.width / part.factor, height: size.height / part.factor)
        }
        return Problem(
            observations: observations, clean: nil, width: size.width, height: size.height, forward: problem.forward,
            plan: problem.plan, settings: problem.settings)
    }

    /// The noise of the whole problem or, where recorded noise does not fit its corner, other noise.
    private func noise(_ corner: Problem, _ observation: Tensor, of problem: Problem) throws -> any NoiseSource {
        let source = try noise(corner, observation)
        guard command.noise.tape != nil, corner.pixels != problem.pixels else { return source }
        _ = try source.normals(
            .initialState, sample: 0, shape: [1, prior.channels, problem.height, problem.width])
        return PhiloxNoise(seed: 0)
    }

    private func likelihoodMemory(_ problem: Problem, batch: Int) -> Int {
        problem.forward.memory.bytes(pixels: problem.pixels, planes: prior.channels * batch)
    }

    /// Bytes of the samples that are drawn side by side, of those that are kept, and of their statistics.
    private func sampleMemory(_ problem: Problem, batch: Int) -> Int {
        let values = prior.channels * problem.pixels
        // Of a sample that is being drawn: state, estimate, proximal point, noise, noisy image, prediction.
        var bytes = values * 4 * 6 * batch
        // Mean and squares in double precision.
        bytes += values * 16
        if keepsSamples(problem) { bytes += values * 4 * posterior.samples }
        if posterior.saveSamples != nil {
            // The files' bytes are kept until all are written, and PNG does not shrink noise.
            bytes += values * (problem.bitDepth / 8) * posterior.samples
        }
        return bytes
    }

    /// Bytes of the observations, the reference and the result.
    private func imageMemory(_ problem: Problem) -> Int {
        let given = (problem.observations + [problem.clean].compactMap(\.self)).map(\.values.count).reduce(0, +)
        return 4 * (given + prior.channels * problem.pixels)
    }
}
