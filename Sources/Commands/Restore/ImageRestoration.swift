import Synchronization
import UD2MFormats
import UD2MImaging
import UD2MLoRA
import UD2MRuntime
import UD2MSampler

/// The restoration of one image: reads it, draws its samples, measures them, and makes the files.
struct ImageRestoration {
    let image: RestoreInputs.Image
    let places: RestorePlaces
    let prior: LoadedPrior
    let factory: OperatorFactory
    let command: RestoreCommand
    let reference: String?
    let ram: RAMNetwork?
    let lpips: LPIPSMetric?

    var posterior: PosteriorOptions { command.posterior }

    /// What was read and planned, before anything is drawn.
    struct Problem {
        /// The observations: one, or those of a stack.
        let observations: [ImageBuffer]
        let clean: ImageBuffer?
        let width: Int
        let height: Int
        let forward: any ForwardOperator
        let plan: SamplerPlan
        let settings: RestoreReport.Settings

        var pixels: Int { width * height }

        /// Bits a channel of the result, as the finest observation has.
        var bitDepth: Int { observations.map(\.bitDepth).max() ?? 8 }
    }

    /// The image's restoration and what it gives.
    struct Result {
        let report: RestoreReport
        let contents: [(path: String, bytes: [UInt8])]
        /// The noise used, where it is recorded.
        let tape: NoiseTape?
    }

    /// Draws the samples.
    /// - Throws: ``UD2MFormats/UD2MError`` or ``UD2MImaging/ImageError``; nothing has been written.
    func restore(progress: @escaping @Sendable (_ fraction: Double, _ label: String) -> Void) throws -> Result {
        let problem = try problem()
        let observation = try observation(problem)
        let source = try noise(problem, observation)
        let recorder = command.noise.record.map { _ in NoiseRecorder(source) }
        let sampler = try problem.plan.sampler(
            denoiser: prior.denoiser, forward: problem.forward, noise: recorder ?? source, ram: ram)
        var statistics = try PosteriorStatistics(
            shape: [1, prior.channels, problem.height, problem.width], keepsSamples: keepsSamples(problem))
        let frames = ProgressiveFrames()
        var monitor = SamplerMonitor(report: progress)
        if places.progressive != nil { monitor.observe = { frames.take($0) } }
        var contents: [(path: String, bytes: [UInt8])] = []
        let networkBefore = prior.denoiser.duration
        let start = ContinuousClock.now
        let text = RestoreReport.parameterText(prior.record, factory.specification, problem.settings)
        try sampler.forEachSample(
            count: posterior.samples, batch: posterior.batch, observation: observation, monitor: monitor
        ) { index, sample in
            try statistics.add(sample)
            if !places.samples.isEmpty {
                contents.append(try encoded(picture(sample, problem), places.samples[index], text: text))
            }
        }
        let seconds = (ContinuousClock.now - start).seconds
        let network = (prior.denoiser.duration - networkBefore).seconds

        let covered = try covered(problem, statistics)
        let restored = try picture(statistics.mean(), problem)
        contents.append(try encoded(restored, places.output, text: text))
        contents += try others(statistics, restored, problem, frames, covered, text: text)
        let report = try report(
            problem, restored: restored, statistics, covered, seconds: seconds,
            networkSeconds: min(network, seconds))
        return Result(report: report, contents: contents, tape: recorder?.tape)
    }

    /// The observation as the operator gives it.
    func observation(_ problem: Problem) throws -> Tensor {
        let observations = try problem.observations.map { try Tensor(adapted($0)) }
        guard let stack = problem.forward as? StackedOperator else { return observations[0] }
        return try stack.stacked(observations)
    }

    func noise(_ problem: Problem, _ observation: Tensor) throws -> any NoiseSource {
        try command.noise.source(
            observation: observation, steps: problem.settings.steps, iterations: problem.settings.iterations)
    }

    /// All observations of a stack.
    var observationPaths: [String]? { image.others.isEmpty ? nil : image.files }

    /// Whether all samples are kept until the end.
    func keepsSamples(_ problem: Problem) -> Bool {
        posterior.saveQuantiles != nil || (problem.clean != nil && posterior.samples > 1)
    }

    /// Reads the images, and makes the operator and the sampler's plan.
    /// - Parameter isPlan: Whether nothing is to be restored: the operator may then be one for smaller images.
    /// - Returns: What ``restore(progress:)`` starts from.
    /// - Throws: As that does.
    func problem(isPlan: Bool = false) throws -> Problem {
        let observations = try image.files.map { try ImageInput.read($0) }
        let clean = try reference.map { try ImageInput.read($0) }
        let size = try factory.imageSize(ofObservations: observations)
        if let clean, (clean.height, clean.width) != (size.height, size.width) {
            throw UD2MError(
                .referenceSize,
                "The reference is \(clean.width)×\(clean.height) pixels and the result \(size.width)×\(size.height).",
                at: .init(file: reference))
        }
        let forward =
            try isPlan
            ? factory.makeStandIn(height: size.height, width: size.width)
            : factory.make(height: size.height, width: size.width)
        let plan = try SamplerPlan(
            command.sampling, bundle: prior.bundle?.manifest.settings, forward: forward,
            sigma: factory.specification.sigma)
        return Problem(
            observations: observations, clean: clean, width: size.width, height: size.height, forward: forward,
            plan: plan,
            settings: .init(plan, through: forward, noise: command.noise, samples: posterior.samples))
    }

    /// The observation with as many channels as the prior's images have.
    private func adapted(_ image: ImageBuffer) throws -> ImageBuffer {
        switch (image.channels, prior.channels) {
        case (1, 1), (3, 3): return image
        case (1, 3): return image.color
        default:
            throw UD2MError(
                .imageChannels, "The prior was trained on grey images and this one has colours.",
                at: .init(file: self.image.path), remedy: "Convert the image to grey first.")
        }
    }

    /// A sample as an image like the given ones: grey when they are.
    private func picture(_ sample: Tensor, _ problem: Problem) throws -> ImageBuffer {
        let colour = try sample.image(bitDepth: problem.bitDepth)
        return problem.observations.allSatisfy { $0.channels == 1 } ? colour.grey : colour
    }

    private func encoded(_ image: ImageBuffer, _ path: String, text: String) throws -> (path: String, bytes: [UInt8]) {
        var options = ImageWriteOptions()
        options.text = [
            try ImageText(keyword: "Software", text: "ud2m \(Version.current)"),
            try ImageText(keyword: "ud2m", text: text),
        ]
        return try OutputSet.encode(image, for: path, options: options)
    }

    /// The probability of the intervals whose coverage is told.
    private static let coverageLevel = 0.9

    /// Where the reference lies in the samples' interval; nil without a reference or with one sample.
    private func covered(_ problem: Problem, _ statistics: PosteriorStatistics) throws -> [Bool]? {
        guard let clean = problem.clean, posterior.samples > 1 else { return nil }
        let reference = prior.channels == 1 ? clean.grey : clean.color
        return try statistics.covers(Tensor(reference), level: Self.coverageLevel)
    }

    /// The files besides samples and restored image.
    private func others(
        _ statistics: PosteriorStatistics, _ restored: ImageBuffer, _ problem: Problem, _ frames: ProgressiveFrames,
        _ covered: [Bool]?, text: String
    ) throws -> [(path: String, bytes: [UInt8])] {
        var contents: [(path: String, bytes: [UInt8])] = []
        let last = try statistics.last.map { try picture($0, problem) } ?? restored
        // A deviation of a quarter of the range is white: 2·σ on the sampler's scale, taken from 0 on.
        let deviation = try statistics.standardDeviation()
        let deviations = try picture(
            Tensor(shape: deviation.shape, values: deviation.values.map { 4 * $0 - 1 }), problem)
        if let path = places.last { contents.append(try encoded(last, path, text: text)) }
        if let path = places.std { contents.append(try encoded(deviations, path, text: text)) }
        for (probability, path) in places.quantiles {
            contents.append(try encoded(picture(statistics.quantile(probability), problem), path, text: text))
        }
        if let path = places.coverage, let covered {
            let map = try Tensor(shape: deviation.shape, values: covered.map { $0 ? 1 : -1 })
            contents.append(try encoded(picture(map, problem), path, text: text))
        }
        if let path = places.progressive {
            let images = try frames.estimates.map { try picture($0, problem) }
            contents.append(
                try encoded(try ImageGrid(columns: max(images.count, 1)).compose(images), path, text: text))
        }
        if let path = places.grid {
            let samples = posterior.samples > 1 ? [last, restored, deviations] : [restored]
            let images = [try shown(problem)] + samples + (problem.clean.map { [$0] } ?? [])
            contents.append(try OutputSet.encode(try ImageGrid(columns: images.count).compose(images), for: path))
        }
        return contents
    }

    /// The observation, of a stack the first, at the size of the result.
    private func shown(_ problem: Problem) throws -> ImageBuffer {
        let given = problem.observations[0]
        return (given.width, given.height) != (problem.width, problem.height)
            ? try given.resized(width: problem.width, height: problem.height, filter: .bicubic) : given
    }

    private func report(
        _ problem: Problem, restored: ImageBuffer, _ statistics: PosteriorStatistics, _ covered: [Bool]?,
        seconds: Double, networkSeconds: Double
    ) throws -> RestoreReport {
        var report = RestoreReport(
            store: prior.path, bundle: prior.bundle?.path, device: prior.device, image: image.path,
            observations: observationPaths,
            output: places.output, grid: places.grid, files: places.others, operator: factory.specification,
            settings: problem.settings,
            width: problem.width, height: problem.height, seconds: Self.rounded(seconds),
            networkSeconds: Self.rounded(networkSeconds), otherSeconds: Self.rounded(seconds - networkSeconds))
        if posterior.samples > 1 {
            let deviation = try statistics.standardDeviation().values
            report.meanDeviation = deviation.reduce(0) { $0 + Double($1) / 2 } / Double(max(deviation.count, 1))
        }
        guard let clean = problem.clean else { return report }
        // The window of SSIM needs 11 pixels.
        let metrics: Set<EvaluationMetric> = min(problem.width, problem.height) < 11 ? [.psnr] : [.psnr, .ssim]
        let measurement = PairMeasurement(metrics: metrics, border: .inside, lpips: lpips)
        let before = try measurement.numbers(try shown(problem), clean)
        let after = try measurement.numbers(restored, clean)
        func comparison(_ metric: EvaluationMetric) -> RestoreReport.Comparison? {
            guard let first = before[metric], let second = after[metric] else { return nil }
            return .init(observation: ReportNumber(first), restored: ReportNumber(second))
        }
        report.psnr = comparison(.psnr)
        report.ssim = comparison(.ssim)
        report.lpips = comparison(.lpips)
        if posterior.samples > 1, let last = statistics.last {
            let only = PairMeasurement(metrics: [.psnr], border: .inside, lpips: nil)
            report.lastSamplePSNR = try only.numbers(picture(last, problem), clean)[.psnr].map(ReportNumber.init)
        }
        report.coverage = covered.map { covered in
            .init(level: Self.coverageLevel, share: Double(covered.count { $0 }) / Double(max(covered.count, 1)))
        }
        return report
    }

    /// Seconds to the microsecond.
    private static func rounded(_ seconds: Double) -> Double { (seconds * 1e6).rounded() / 1e6 }
}

/// Keeps the estimates at the ends of the first sample's steps.
private final class ProgressiveFrames: Sendable {
    private let kept = Mutex<[Tensor]>([])

    var estimates: [Tensor] { kept.withLock { $0 } }

    func take(_ event: SamplerEvent) {
        guard event.point == .estimate, event.sample == 0 else { return }
        kept.withLock { $0.append(event.tensor) }
    }
}

extension UD2MError.Code {
    /// The image's channels do not fit the prior.
    static let imageChannels = UD2MError.Code("image-channels", .usage)
    /// The reference has another size than the result.
    static let referenceSize = UD2MError.Code("reference-size", .usage)
}
