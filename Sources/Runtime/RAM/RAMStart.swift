import UD2MFormats

/// What the network's run on one image starts from: everything before the first convolution (`networks.md` §3.2).
struct RAMStart {
    /// Aᵀ and AᵀA of the padded image.
    let stack: MeasurementStack
    /// What the observations were divided by.
    let rescaling: Double
    /// x₀, the padded image that fits the observations: [1, C, H, W].
    let realigned: Tensor
    /// x₀ with the noise levels as two more channels.
    let conditioned: Tensor

    /// K_s(D_s Aᵀy) for the four scales.
    let embeddings: [Tensor]

    /// Prepares a problem of one image.
    /// - Parameters:
    ///   - problem: a checked problem with one image.
    ///   - flavour: whose rules to follow.
    ///   - trust: `fact_realign`, which multiplies the weight of the observation in the first proximal step.
    /// - Throws: `input-shape` for what is no image or no map of its size, and the operators' errors.
    init(_ problem: RAMProblem, flavour: RAMConfiguration.Flavour, trust: Double) throws {
        let given = try zip(problem.measurements, problem.observations).map { try $0.observed($1) }
        let scale = flavour.rescaling(peak: given[0].values.reduce(0) { max($0, abs(Double($1))) })
        rescaling = scale
        let observations = try given.map { try $0.scaled(by: 1 / scale) }

        let plain = MeasurementStack(measurements: problem.measurements, padding: ZeroPadding(top: 0, left: 0))
        let unpadded = try plain.adjoint(observations)
        guard unpadded.shape.count == 4, unpadded.shape[0] == 1 else {
            throw RAMProblem.error(.inputShape, "y", "The operator gives \(unpadded.shape), which is no image.")
        }
        let padding = flavour.padding(height: unpadded.shape[2], width: unpadded.shape[3])
        stack = MeasurementStack(measurements: problem.measurements, padding: padding)
        let image = try padding.pad(unpadded)

        let sigma = try NoiseChannel(
            problem.sigma, "sigma", rescaling: scale, least: flavour.leastSigma, unknown: flavour.unknownSigma,
            imageSize: unpadded.shape, padding: padding)
        let gain = try NoiseChannel(
            problem.gain, "gain", rescaling: scale, least: flavour.leastGain, unknown: flavour.unknownGain,
            imageSize: unpadded.shape, padding: padding)

        let level = flavour.realignmentSigma(given: sigma.given, told: sigma.told)
        let factor =
            flavour.knowsSamplingFactor && problem.measurements.count == 1
            ? Double(problem.measurements[0].samplingFactor) : 1
        let weight = trust * Self.weight(of: observations[0], sigma: level, factor: factor)
        realigned = try Self.realign(image, observations, stack, weight: weight, flavour)
        conditioned = try Tensor(
            shape: [1, image.shape[1] + 2, image.shape[2], image.shape[3]],
            values: realigned.values + sigma.channel.values + gain.channel.values)
        let stack = stack
        embeddings = try (0..<4).map { try KrylovEmbedding(stack, scale: $0).ofFullImage(image) }
    }

    /// 1/(10⁻⁴ + 1/(f²·snr)): how much an observation counts, from its mean magnitude over its noise.
    private static func weight(of observation: Tensor, sigma: Double, factor: Double) -> Double {
        let magnitude = observation.values.reduce(0) { $0 + abs(Double($1)) } / Double(observation.values.count)
        let ratio = magnitude / (sigma + 1e-4)
        return 1 / (1e-4 + 1 / (ratio * factor * factor))
    }

    /// The minimiser of γ/2·‖Ax − y‖² + ½‖x − z‖², as the flavour computes it.
    private static func realign(
        _ image: Tensor, _ observations: [Tensor], _ stack: MeasurementStack, weight: Double,
        _ flavour: RAMConfiguration.Flavour
    ) throws -> Tensor {
        // Both references would divide by zero for an observation of zeros; deepinv has this bound.
        let weight = max(weight, 1e-8)
        if flavour.prefersClosedForm,
            let point = try stack.proximalPoint(observations: observations, centre: image, weight: weight)
        {
            return point
        }
        // `image` is Aᵀy, so the right side Aᵀy + z/γ is a multiple of it.
        return try ConjugateGradients.solve(image.scaled(by: 1 + 1 / weight), from: image) {
            try stack.gram($0).combined(1, $0, 1 / weight)
        }
    }
}

/// A noise level as a channel of the network's input.
private struct NoiseChannel {
    /// [1, 1, H, W] of the padded size.
    let channel: Tensor
    /// The largest level in it.
    let told: Double
    /// The largest level that the caller gave, in rescaled units.
    let given: Double?

    init(
        _ level: RAMNoiseLevel?, _ name: String, rescaling: Double, least: Double, unknown: Double, imageSize: [Int],
        padding: ZeroPadding
    ) throws {
        let size = [1, 1, imageSize[2], imageSize[3]]
        if case .map(let map) = level {
            guard map.shape == size else {
                throw RAMProblem.error(.inputShape, name, "The shape is \(map.shape), the image's size \(size).")
            }
            let scaled = map.values.map { Double($0) / rescaling }
            let clamped = try Tensor(shape: size, values: scaled.map { Float(max($0, least)) })
            channel = try padding.pad(clamped, with: Float(least))
            given = scaled.max()
        } else {
            if case .uniform(let value) = level { given = value / rescaling } else { given = nil }
            channel = try Tensor(
                shape: [1, 1, size[2] + padding.top, size[3] + padding.left],
                repeating: Float(max(given ?? unknown, least)))
        }
        told = Double(channel.values.max() ?? Float(least))
    }
}
