import UD2MFormats
import UD2MImaging
import UD2MRuntime
import UD2MSampler

/// The work of `ud2m restore` on one image.
struct RestoreRun {
    let store: String
    let image: String
    let output: String
    let factory: OperatorFactory
    let sampling: SamplingOptions
    let reference: String?
    let grid: String?
    let compute: ComputeOptions
    let overwrite: Bool

    /// Restores the image and writes it, and the grid when asked for.
    /// - Throws: ``UD2MFormats/UD2MError`` or ``UD2MImaging/ImageError``; nothing is written then.
    func execute(progress: any ProgressSink) throws -> RestoreReport {
        for path in [output, grid].compactMap({ $0 }) { _ = try OutputSet.imageFormat(of: path) }
        let outputs = try OutputSet(
            [output, grid].compactMap { $0 }, overwrite: overwrite,
            inputs: [store, image, reference].compactMap { $0 } + factory.files)
        let given = try ImageInput.read(image)
        let clean = try reference.map { try ImageInput.read($0) }
        let size = try factory.imageSize(ofObservation: given)
        if let clean { try requireSameSize(clean, height: size.height, width: size.width) }

        let forward = try factory.make(height: size.height, width: size.width)
        let configuration = try samplerConfiguration(for: forward)
        let weights = try StoreInput.open(store)
        try requireNoisePrediction(weights)
        let network = try Network(
            store: weights, threads: compute.threads, precision: compute.precision,
            algorithms: compute.algorithmTable())
        let denoiser = try NetworkDenoiser(network: network, classLabel: sampling.classLabel)
        let observation = try adapted(given, channels: denoiser.channels)
        let sampler = try UnfoldedSampler(
            schedule: sampling.schedule.noiseSchedule, denoiser: denoiser, forwardOperator: forward,
            configuration: configuration, noise: PhiloxNoise(seed: sampling.seed))
        let start = ContinuousClock.now
        let sample = try draw(sampler, try Tensor(observation), progress)
        let seconds = (ContinuousClock.now - start).milliseconds / 1000

        let colour = try sample.image(bitDepth: given.bitDepth)
        let restored = given.channels == 1 ? colour.grey : colour
        let shown =
            try (given.width, given.height) != (size.width, size.height)
            ? given.resized(width: size.width, height: size.height, filter: .bicubic) : given
        let report = RestoreReport(
            store: store, image: image, output: output, grid: grid, operator: factory.specification,
            settings: .init(configuration, seed: sampling.seed), width: size.width, height: size.height,
            seconds: seconds,
            psnr: try clean.map {
                .init(
                    observation: ReportNumber(try Self.psnr(shown, $0)),
                    restored: ReportNumber(try Self.psnr(restored, $0)))
            })
        try outputs.write(try contents(restored, shown: shown, clean: clean, report))
        return report
    }

    /// Refuses a prior that its training configuration, where the store has it, says to predict something else than noise.
    private func requireNoisePrediction(_ weights: WeightStore) throws {
        guard case .object(let config)? = weights.information.config,
            case .object(let scheduler)? = config["scheduler"],
            case .string(let prediction)? = scheduler["prediction_type"], prediction != "epsilon"
        else { return }
        throw UD2MError(
            .priorPrediction,
            "The prior predicts '\(prediction.prefix(40))', and the sampler needs one that predicts the noise (epsilon).",
            at: .init(file: store))
    }

    /// The observation with as many channels as the prior's images have.
    private func adapted(_ image: ImageBuffer, channels: Int) throws -> ImageBuffer {
        switch (image.channels, channels) {
        case (1, 1), (3, 3): return image
        case (1, 3): return image.color
        default:
            throw UD2MError(
                .imageChannels, "The prior was trained on grey images and this one has colours.",
                at: .init(file: self.image), remedy: "Convert the image to grey first.")
        }
    }

    /// The recipe for the operator, with what the flags say instead.
    private func samplerConfiguration(for forward: any ForwardOperator) throws -> SamplerConfiguration {
        var recipe = ZeroShotRecipe.recommended(for: forward)
        recipe.steps = sampling.steps ?? recipe.steps
        recipe.iterations = sampling.iterations ?? recipe.iterations
        recipe.eta = sampling.eta ?? recipe.eta
        recipe.dataWeight = sampling.dataWeight ?? recipe.dataWeight
        // The sampler works on images in [-1, 1], where noise is twice as large.
        return try recipe.configuration(noiseLevel: 2 * factory.specification.sigma)
    }

    private func draw(
        _ sampler: UnfoldedSampler, _ observation: Tensor, _ progress: any ProgressSink
    ) throws -> Tensor {
        let label = factory.specification.task.rawValue
        let monitor = SamplerMonitor(report: { fraction, _ in progress.update(fraction, label: label) })
        return try sampler.sample(0, observation: observation, monitor: monitor)
    }

    /// The files to write: the restored image with its parameters in its text, and the grid when asked for.
    private func contents(
        _ restored: ImageBuffer, shown: ImageBuffer, clean: ImageBuffer?, _ report: RestoreReport
    ) throws -> [(path: String, bytes: [UInt8])] {
        var options = ImageWriteOptions()
        options.text = [
            try ImageText(keyword: "Software", text: "ud2m \(Version.current)"),
            try ImageText(keyword: "ud2m", text: report.parameterText),
        ]
        var contents = [try OutputSet.encode(restored, for: output, options: options)]
        if let grid {
            let images = [shown, restored] + (clean.map { [$0] } ?? [])
            contents.append(try OutputSet.encode(try ImageGrid(columns: images.count).compose(images), for: grid))
        }
        return contents
    }

    private func requireSameSize(_ clean: ImageBuffer, height: Int, width: Int) throws {
        guard clean.height == height, clean.width == width else {
            throw UD2MError(
                .referenceSize,
                "The reference is \(clean.width)×\(clean.height) pixels and the result \(width)×\(height).",
                at: .init(file: reference))
        }
    }

    private static func psnr(_ image: ImageBuffer, _ reference: ImageBuffer) throws -> Double {
        let (left, right) =
            image.channels == reference.channels
            ? (image, reference) : (image.color, reference.color)
        return try ImageMetrics.psnr(try Tensor(left), reference: try Tensor(right), range: 2)
    }
}

extension UD2MError.Code {
    /// The image's channels do not fit the prior.
    static let imageChannels = UD2MError.Code("image-channels", .usage)
    /// The prior predicts something that the sampler cannot use.
    static let priorPrediction = UD2MError.Code("prior-prediction", .badData)
    /// The reference has another size than the result.
    static let referenceSize = UD2MError.Code("reference-size", .usage)
}
