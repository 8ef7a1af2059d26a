import UD2MFormats
import UD2MRuntime

/// Compression as JPEG with colours at half the resolution, and decoding (`sampler.md` §8.4).
///
/// Not linear: coefficients are rounded. What is linear in it (colours, subsampling, the extension of an image to whole
/// blocks) has a transpose, ``adjoint(_:)``; the proximal step follows gradients that take rounding for the identity.
/// The decoded image is neither limited nor rounded to 8 bits. Images of any size are extended to multiples of 16 by
/// repeating their edges; they are grey or in colour.
public struct JPEGCompression: ForwardOperator {
    /// The tables of the quality.
    public let tables: JPEGTables
    /// The images' size.
    public let imageSize: PlaneSize
    /// Adam steps of a proximal step.
    public let steps: Int
    /// How far, about, a step moves a pixel in [-1, 1] units; nil moves it by ``relativeRate`` of what the objective leaves
    /// open, the standard deviation of its terms without the observation.
    public let learningRate: Double?

    /// Adam steps unless told otherwise.
    public static let usualSteps = 10
    /// A step's share of the objective's standard deviation, unless a rate is given: ten steps reach three of them.
    public static let relativeRate = 0.3

    /// Creates the operator for images of one size.
    /// - Parameters:
    ///   - quality: 1 (small) to 100 (close).
    ///   - height: The images' height.
    ///   - width: The images' width.
    ///   - steps: Adam steps of a proximal step, 3 to 10000.
    ///   - learningRate: Adam's step size, above 0 and at most 1; nil follows the objective.
    /// - Throws: `UD2MError` with code `operator-parameter` for a quality, steps or rate out of range, `operator-shape`
    ///   for an empty or overflowing size.
    public init(quality: Int, height: Int, width: Int, steps: Int = usualSteps, learningRate: Double? = nil) throws {
        tables = try JPEGTables(quality: quality)
        imageSize = PlaneSize(height: height, width: width)
        try imageSize.requireSound()
        guard (3...10_000).contains(steps), (learningRate ?? 1) > 0, (learningRate ?? 1) <= 1 else {
            throw UD2MError(
                .operatorParameter,
                "A JPEG's proximal step takes 3 to 10000 steps of size above 0 and at most 1, not \(steps) of "
                    + "\(learningRate ?? Self.relativeRate).")
        }
        self.steps = steps
        self.learningRate = learningRate
    }

    /// `"jpeg"`.
    public var name: String { "jpeg" }

    /// The quality.
    public var parameters: [OperatorParameter] { [OperatorParameter("quality", .integer(tables.quality))] }

    /// The image, its gradient, the residual and Adam's two moments in double precision, and what a codec's pass takes.
    public var memory: OperatorMemory { OperatorMemory(bytesPerPixel: 0, bytesPerValue: 80) }

    /// Compresses and decodes.
    public func apply(_ image: Tensor) throws -> Tensor {
        let shape = try requireImage(image, name: "image")
        return try shape.tensor(
            height: imageSize.height, width: imageSize.width,
            decoded(image.values.map { Double($0) }, channels: shape.channels, rounds: true))
    }

    /// The transpose of the codec without its rounding.
    public func adjoint(_ observation: Tensor) throws -> Tensor {
        let shape = try requireImage(observation, name: "observation")
        return try shape.tensor(
            height: imageSize.height, width: imageSize.width,
            transposed(observation.values.map { Double($0) }, channels: shape.channels))
    }

    /// The decoded image itself.
    public func initialEstimate(_ observation: Tensor) throws -> Tensor {
        _ = try requireImage(observation, name: "observation")
        return observation
    }

    /// The decoded image itself: compressing it again gives it back, nearly.
    public func pseudoInverse(_ observation: Tensor, relativeThreshold: Double) throws -> Tensor {
        try requireThreshold(relativeThreshold)
        return try initialEstimate(observation)
    }

    /// The decoded image compressed again: noise that is weaker than the divisors, and the limits of the file that it came
    /// from, are rounded away.
    ///
    /// Straight-through gradients need that: inside a cell of the rounding, the decoded image does not change with x, and
    /// what noise it differs by would push x on until it leaves the cell.
    public func prepared(_ observation: Tensor) throws -> Tensor { try apply(observation) }

    /// Adam steps from the anchor with straight-through gradients of the objective.
    public func proximalStep(_ objective: ProximalObjective) throws -> Tensor {
        let shape = try requireImage(objective.observation, name: "observation")
        try objective.requireImagesLikeObservation()
        var image = objective.anchor.values.map { Double($0) }
        var moments = [(first: Double, second: Double)](repeating: (0, 0), count: image.count)
        let rate = learningRate ?? Self.relativeRate * objective.openDeviation
        var (firstDecay, secondDecay) = (1.0, 1.0)
        for _ in 0..<steps {
            let gradient = gradient(of: objective, at: image, channels: shape.channels, rounds: true)
            firstDecay *= 0.9
            secondDecay *= 0.999
            for index in image.indices {
                let slope = gradient[index]
                moments[index].first = 0.9 * moments[index].first + 0.1 * slope
                moments[index].second = 0.999 * moments[index].second + 0.001 * slope * slope
                let size = (moments[index].second / (1 - secondDecay)).squareRoot() + 1e-8
                image[index] -= rate * moments[index].first / (1 - firstDecay) / size
            }
        }
        return try shape.tensor(height: imageSize.height, width: imageSize.width, image)
    }

    /// The gradient of the objective; that of its data term is Jᵀ(A(x) − y)/(λσ²) with J the codec without rounding.
    /// - Parameters:
    ///   - objective: What is minimised; its images have the operator's size and `channels`.
    ///   - image: x.
    ///   - channels: 1 or 3.
    ///   - rounds: Whether A rounds; without, this is the gradient of a quadratic function.
    /// - Returns: One number an element of `image`.
    package func gradient(
        of objective: ProximalObjective, at image: [Double], channels: Int, rounds: Bool
    ) -> [Double] {
        let residual = zip(decoded(image, channels: channels, rounds: rounds), objective.observation.values)
            .map { $0 - Double($1) }
        var gradient = transposed(residual, channels: channels)
        let data = 1 / (objective.dataWeight * objective.noiseLevel * objective.noiseLevel)
        let pull = 1 / objective.stepSize
        let prior = 1 / (objective.stateNoiseLevel * objective.stateNoiseLevel)
        for index in gradient.indices {
            let state = Double(objective.state.values[index]) / objective.stateScale
            gradient[index] =
                data * gradient[index] + pull * (image[index] - Double(objective.anchor.values[index]))
                + prior * (image[index] - state)
        }
        return gradient
    }

    private func requireImage(_ tensor: Tensor, name: String) throws -> ImageShape {
        let shape = try ImageShape(tensor, name: name)
        try shape.require(height: imageSize.height, width: imageSize.width, name: name)
        guard shape.channels == 1 || shape.channels == 3 else {
            throw UD2MError(
                .operatorShape, "A JPEG has 1 or 3 channels, not \(shape.channels).",
                at: UD2MError.Location(tensor: name))
        }
        return shape
    }
}
