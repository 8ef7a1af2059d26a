import UD2MFormats
import UD2MRuntime
import UD2MSampler

/// A mean and a covariance.
struct NormalLaw {
    var mean: [Double]
    var covariance: DenseMatrix
}

/// An observation of an image of ``StationaryPrior``, for which the posterior is known, and so is the law of what the
/// sampler gives: all it does to images is linear.
struct GaussianProblem {
    /// The tasks, with a kernel that has no symmetry.
    enum Task: String, Sendable, CaseIterable {
        case deblurring
        case inpainting
        case superResolution
    }

    /// σ, 0.025 for images in [0, 1].
    static let noiseLevel = 0.05

    let prior: StationaryPrior
    let forwardOperator: any LinearForwardOperator
    /// The operator, written from its definition.
    let matrix: DenseMatrix
    /// The clean images.
    let images: [[Double]]
    /// An observation of each.
    let observations: [[Double]]

    init(_ task: Task, images count: Int = 1) throws {
        let (height, width) = (StationaryPrior.height, StationaryPrior.width)
        let kernel = try BlurKernel(
            rows: 3, columns: 3, weights: [0.05, 0.1, 0.02, 0.15, 0.4, 0.08, 0.04, 0.13, 0.03])
        let blur = DenseMatrix.blur(kernel, height: height, width: width)
        switch task {
        case .deblurring:
            forwardOperator = try Deblurring(kernel: kernel, height: height, width: width)
            matrix = blur
        case .inpainting:
            // 18 pixels of 48 are missing, in groups and alone.
            let mask = try Mask(
                height: height, width: width,
                kept: (0..<StationaryPrior.count).map { (7 * $0 + $0 * $0) % 5 > 1 })
            forwardOperator = Inpainting(mask: mask)
            matrix = .mask(mask)
        case .superResolution:
            forwardOperator = try SuperResolution(factor: 2, kernel: kernel, height: height, width: width)
            matrix = blur.decimated(factor: 2, height: height, width: width)
        }
        prior = try StationaryPrior()
        images = try prior.images(count, seed: 1)
        let size = matrix.rows
        let noise = try Tensor.random([count, 1, 1, size], seed: 2).values
        var observations: [[Double]] = []
        for (index, image) in images.enumerated() {
            observations.append(
                zip(matrix.times(image), noise[index * size..<(index + 1) * size]).map { clean, noise in
                    Double(Float(clean + Self.noiseLevel * Double(noise)))
                })
        }
        self.observations = observations
    }

    /// Observations as one tensor, each `copies` times.
    func tensor(copies: Int = 1) throws -> Tensor {
        let size = forwardOperator.observationSize
        return try Tensor(
            shape: [observations.count * copies, 1, size.height, size.width],
            values: observations.flatMap { observation in
                (0..<copies).flatMap { _ in observation.map { Float($0) } }
            })
    }

    /// p(x | y) of the first observation: precision AᵀA/σ² + C⁻¹.
    func posterior() throws -> NormalLaw {
        let weight = 1 / (Self.noiseLevel * Self.noiseLevel)
        let inverse = try prior.covariance.inverted()
        let covariance = try matrix.transposed.times(matrix).scaled(weight).plus(inverse).inverted()
        let means = [Double](repeating: StationaryPrior.mean, count: StationaryPrior.count)
        let data = matrix.transposedTimes(observations[0]).map { weight * $0 }
        let mean = covariance.times(zip(data, inverse.times(means)).map { $0 + $1 })
        return NormalLaw(mean: mean, covariance: covariance)
    }

    /// A sampler of this problem.
    func sampler(_ configuration: SamplerConfiguration, seed: UInt64) throws -> UnfoldedSampler {
        try UnfoldedSampler(
            denoiser: prior, forwardOperator: forwardOperator, configuration: configuration,
            noise: PhiloxNoise(seed: seed))
    }
}

extension DenseMatrix {
    /// What a matrix that should be a covariance may be.
    enum Failure: Error {
        case notPositive
    }

    /// The inverse of a covariance.
    func inverted() throws -> DenseMatrix {
        guard let inverse = positiveInverse() else { throw Failure.notPositive }
        return inverse
    }
}
