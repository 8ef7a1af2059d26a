import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// Pseudo-inverses, and the starts made from them and from transposes.
@Suite struct PseudoInverseTests {
    private func difference(_ first: Tensor, _ second: Tensor) -> Double {
        first.shape == second.shape
            ? largestDifference(first.values.map { Double($0) }, second.values.map { Double($0) }) : .infinity
    }

    /// Operators with a closed form, for which small thresholds leave nothing out.
    static let exact = Result {
        [
            try OperatorCase.deblurring("sharp", BlurKernel(rows: 1, columns: 3, weights: [0.2, 1, 0.1]), 5, 7),
            try OperatorCase.superResolution("lopsided", 2, OperatorCase.lopsided(3, 4), 6, 8),
            try OperatorCase.superResolution("lopsided", 3, OperatorCase.lopsided(3, 4), 6, 9),
            try OperatorCase.inpainting(6, 8),
            OperatorCase.linear("denoising", try Denoising(height: 5, width: 3), .identity(15)),
            try OperatorCase.compressedSensing(5, 7, rows: 3, scale: 0.25),
        ]
    }

    @Test(arguments: try exact.get()) func closedFormsArePenroseInverses(_ test: OperatorCase) throws {
        let operation = test.forwardOperator
        let image = try Tensor.random([2, 3, test.height, test.width], seed: 1)
        let observation = try operation.apply(image)
        let back = try operation.pseudoInverse(observation, relativeThreshold: 1e-6)
        // A A† A = A, and A†A is an orthogonal projection: x − A†Ax is orthogonal to A†Ax.
        #expect(difference(try operation.apply(back), observation) < 2e-5)
        let rest = try image.combined(1, back, -1)
        #expect(abs(inner(rest, back)) < 1e-4 * inner(image, image))
        let again = try operation.pseudoInverse(operation.apply(back), relativeThreshold: 1e-6)
        #expect(difference(again, back) < 1e-4)
    }

    @Test func iterationsAreDampedInverses() throws {
        let test = try OperatorCase.matrix(5, 7, rows: 11)
        let observation = try test.forwardOperator.apply(Tensor.random([1, 1, 5, 7], seed: 2))
        let back = try test.forwardOperator.pseudoInverse(observation, relativeThreshold: 1e-4)
        // Eleven random rows in 35 dimensions have a condition near 4, so that damping by 1e-8 does not show.
        #expect(difference(try test.forwardOperator.apply(back), observation) < 1e-5)
        let damped = try test.forwardOperator.pseudoInverse(observation, relativeThreshold: 1)
        #expect(inner(damped, damped) < inner(back, back) / 2)
    }

    @Test func theThresholdLimitsTheNoise() throws {
        let kernel = try BlurKernel.gaussian(size: 9, variance: 3)
        let blur = try Deblurring(kernel: kernel, height: 32, width: 40)
        let noise = try Tensor.random([1, 1, 32, 40], seed: 3)
        for threshold in [0.01, 0.1, 0.5] {
            let back = try blur.pseudoInverse(noise, relativeThreshold: threshold)
            #expect(inner(back, back) < inner(noise, noise) / (threshold * threshold))
        }
        #expect(try blur.pseudoInverse(noise) == blur.pseudoInverse(noise, relativeThreshold: 0.1))
    }

    @Test(arguments: [0, -1, 1.5, .nan]) func refusesThresholds(threshold: Double) throws {
        let image = try Tensor(shape: [1, 1, 6, 8], repeating: 0)
        let mask = try Mask(height: 6, width: 8, kept: Array(repeating: true, count: 48))
        let kernel = try BlurKernel.uniform(size: 3)
        let operators: [any ForwardOperator] = [
            Inpainting(mask: mask), try Deblurring(kernel: kernel, height: 6, width: 8),
            try SuperResolution(factor: 1, kernel: kernel, height: 6, width: 8), try Denoising(height: 6, width: 8),
            try JPEGCompression(quality: 5, height: 6, width: 8),
            try CompressedSensing(height: 6, width: 8, rows: 6, seed: 0), try OperatorCase.stack(6, 8).forwardOperator,
        ]
        for operation in operators {
            let error = thrownError { _ = try operation.pseudoInverse(image, relativeThreshold: threshold) }
            #expect(error?.code == .operatorParameter)
        }
    }

    @Test func theWeightedAdjointFollowsItsFormula() throws {
        let blur = try Deblurring(kernel: OperatorCase.lopsided(3, 4), height: 6, width: 8)
        let (observation, state) = (
            try Tensor.random([1, 3, 6, 8], seed: 4), try Tensor.random([1, 3, 6, 8], seed: 5)
        )
        let start = try blur.weightedAdjointStart(
            observation: observation, estimate: state, noiseLevel: 0.3, signalScale: 0.6, noiseScale: 0.8)
        let adjoint = try blur.publishedStart(observation)
        let length = (0.3 * 0.3 + 0.8 * 0.8).squareRoot()
        let expected = zip(adjoint.values, state.values).map { back, noise -> Double in
            (0.8 * Double(back) + 0.18 * Double(noise)) / length
        }
        #expect(largestDifference(start.values.map { Double($0) }, expected) < 1e-6)
        for (level, scale) in [(0.0, 0.0), (.nan, 0.5)] {
            let error = thrownError {
                _ = try blur.weightedAdjointStart(
                    observation: observation, estimate: state, noiseLevel: level, signalScale: 1, noiseScale: scale)
            }
            #expect(error?.code == .operatorParameter)
        }
    }
}
