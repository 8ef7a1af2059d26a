import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// An operator of one image size with the dense matrix of one plane, written from its definition.
struct OperatorCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let forwardOperator: any LinearForwardOperator
    let matrix: @Sendable () -> DenseMatrix
    let height: Int
    let width: Int

    /// A kernel without symmetry, with negative weights.
    static func lopsided(_ rows: Int, _ columns: Int) throws -> BlurKernel {
        let weights = (0..<rows * columns).map { Double(($0 * 7 + 3) % 11 - 2) / 20 }
        return try BlurKernel(rows: rows, columns: columns, weights: weights)
    }

    static func deblurring(_ name: String, _ kernel: BlurKernel, _ height: Int, _ width: Int) throws -> OperatorCase {
        OperatorCase(
            testDescription: "deblurring \(name) \(width)×\(height)",
            forwardOperator: try Deblurring(kernel: kernel, height: height, width: width),
            matrix: { .blur(kernel, height: height, width: width) }, height: height, width: width)
    }

    static func superResolution(
        _ name: String, _ factor: Int, _ kernel: BlurKernel, _ height: Int, _ width: Int
    ) throws -> OperatorCase {
        OperatorCase(
            testDescription: "super-resolution \(name) ×\(factor) \(width)×\(height)",
            forwardOperator: try SuperResolution(factor: factor, kernel: kernel, height: height, width: width),
            matrix: {
                DenseMatrix.blur(kernel, height: height, width: width)
                    .decimated(factor: factor, height: height, width: width)
            }, height: height, width: width)
    }

    static func inpainting(_ height: Int, _ width: Int) throws -> OperatorCase {
        let mask = try Mask.random(height: height, width: width, keptFraction: 0.4, noise: PhiloxNoise(seed: 11))
        return OperatorCase(
            testDescription: "inpainting \(width)×\(height)", forwardOperator: Inpainting(mask: mask),
            matrix: { .mask(mask) }, height: height, width: width)
    }

    static func linear(_ name: String, _ forwardOperator: any LinearForwardOperator, _ matrix: DenseMatrix)
        -> OperatorCase
    {
        let size = forwardOperator.imageSize
        return OperatorCase(
            testDescription: "\(name) \(size.width)×\(size.height)", forwardOperator: forwardOperator,
            matrix: { matrix }, height: size.height, width: size.width)
    }

    static func compressedSensing(_ height: Int, _ width: Int, rows: Int, scale: Double) throws -> OperatorCase {
        let sensing = try CompressedSensing(height: height, width: width, rows: rows, seed: 5, scale: scale)
        return linear("compressed sensing", sensing, .sensing(sensing))
    }

    /// A matrix whose rows are normal noise of the length of a unit vector.
    static func matrix(_ height: Int, _ width: Int, rows: Int) throws -> OperatorCase {
        let size = PlaneSize(height: height, width: width)
        let values = try Tensor.random([rows * size.count], seed: 12).values
            .map { Double($0) / Double(size.count).squareRoot() }
        var dense = DenseMatrix(rows: rows, columns: size.count)
        dense.values = values
        return linear("matrix", try GenericLinearOperator.matrix(values, imageSize: size, limits: limits()), dense)
    }

    /// Blur, mask and the image itself, with three different noises.
    static func stack(_ height: Int, _ width: Int) throws -> OperatorCase {
        let kernel = try lopsided(3, 2)
        let mask = try Mask.random(height: height, width: width, keptFraction: 0.4, noise: PhiloxNoise(seed: 13))
        let stack = try StackedOperator(
            [
                Deblurring(kernel: kernel, height: height, width: width), Inpainting(mask: mask),
                Denoising(height: height, width: width),
            ], noiseLevels: [0.1, 0.05, 0.4], limits: limits())
        return linear(
            "stack", stack,
            .column([
                DenseMatrix.blur(kernel, height: height, width: width).scaled(0.5), .mask(mask),
                DenseMatrix.identity(height * width).scaled(0.125),
            ]))
    }

    /// Iterations that go on to rounding.
    static func limits() throws -> IterationLimits {
        try IterationLimits(tolerance: 1e-14, maximumIterations: 2000)
    }

    /// A blur and a decimated blur of odd and even sizes and kernels that the seed decides.
    static func random(seed: UInt64) throws -> [OperatorCase] {
        let draws = try PhiloxNoise(seed: seed).uniforms(.mask, sample: 0, shape: [6]).values.map { Double($0) }
        let (height, width) = (3 + Int(draws[0] * 7), 3 + Int(draws[1] * 7))
        let (rows, columns) = (1 + Int(draws[2] * Double(height)), 1 + Int(draws[3] * Double(width)))
        let weights = try Tensor.random([rows * columns], seed: seed).values.map { Double($0) / 4 }
        let kernel = try BlurKernel(rows: rows, columns: columns, weights: weights)
        let factor = 2 + Int(draws[4] * 2)
        return [
            try deblurring("random \(seed)", kernel, height, width),
            try superResolution(
                "random \(seed)", factor, kernel, factor * ((height + 1) / 2), factor * ((width + 1) / 2)),
        ]
    }

    static let all: Result<[OperatorCase], any Error> = Result {
        // In parts: one long array takes the compiler minutes.
        var cases: [OperatorCase] = try [
            deblurring("gaussian", .gaussian(size: 5, variance: 3), 6, 6),
            deblurring("lopsided", lopsided(3, 4), 6, 8),
            deblurring("lopsided", lopsided(4, 3), 7, 5),
            deblurring("as large as the image", lopsided(6, 8), 6, 8),
            deblurring("one column", lopsided(3, 1), 6, 1),
            deblurring("motion", .motion(size: 5, seed: 3, length: 4), 7, 9),
            deblurring("stretched", .anisotropic(size: 5, sigma: 2, crossSigma: 0.7, angle: 30), 5, 8),
            inpainting(6, 8),
        ]
        cases +=
            try [
                superResolution("bicubic", 2, .bicubic(factor: 2), 8, 10),
                superResolution("lopsided", 2, lopsided(3, 4), 6, 8),
                superResolution("bicubic", 4, .bicubic(factor: 4), 16, 20),
                superResolution("Gaussian", 4, .gaussianAntialias(factor: 2), 8, 12),
                superResolution("lopsided", 8, lopsided(5, 3), 8, 16),
                superResolution("lopsided", 3, lopsided(3, 4), 6, 9),
                superResolution("gaussian", 1, .gaussian(size: 3, variance: 1), 5, 6),
            ] as [OperatorCase]
        cases +=
            try [
                linear("denoising", Denoising(height: 5, width: 3), .identity(15)),
                compressedSensing(6, 8, rows: 2, scale: 1),
                compressedSensing(5, 7, rows: 5, scale: 0.25),
                matrix(5, 7, rows: 11),
                stack(6, 8), stack(5, 3),
            ] as [OperatorCase]
        for seed in 1...6 { cases += try random(seed: UInt64(seed)) }
        return cases
    }
}

/// Every operator against its dense matrix.
@Suite struct ForwardOperatorTests {
    @Test(arguments: try OperatorCase.all.get()) func appliesItsMatrix(_ test: OperatorCase) throws {
        let matrix = test.matrix()
        let image = try Tensor.random([2, 3, test.height, test.width], seed: 1)
        let degraded = try test.forwardOperator.apply(image)
        let planeSize = test.height * test.width
        for plane in 0..<6 {
            let input = image.values[plane * planeSize..<(plane + 1) * planeSize].map { Double($0) }
            let output = degraded.values[plane * matrix.rows..<(plane + 1) * matrix.rows].map { Double($0) }
            // One rounding to float32 of values below 16.
            #expect(largestDifference(output, matrix.times(input)) < 1e-6)
        }
        let observation = try Tensor.random(degraded.shape, seed: 2)
        let transposed = try test.forwardOperator.adjoint(observation)
        #expect(transposed.shape == image.shape)
        for plane in 0..<6 {
            let input = observation.values[plane * matrix.rows..<(plane + 1) * matrix.rows].map { Double($0) }
            let output = transposed.values[plane * planeSize..<(plane + 1) * planeSize].map { Double($0) }
            #expect(largestDifference(output, matrix.transposedTimes(input)) < 1e-6)
        }
    }

    @Test(arguments: try OperatorCase.all.get()) func adjointIsTheTranspose(_ test: OperatorCase) throws {
        let image = try Tensor.random([1, 3, test.height, test.width], seed: 3)
        let degraded = try test.forwardOperator.apply(image)
        let observation = try Tensor.random(degraded.shape, seed: 4)
        let left = inner(degraded, observation)
        let right = inner(image, try test.forwardOperator.adjoint(observation))
        let scale = (inner(degraded, degraded) * inner(observation, observation)).squareRoot()
        #expect(abs(left - right) < 1e-6 * scale)
    }

    @Test(arguments: try OperatorCase.all.get()) func proximalStepSolvesItsNormalEquations(_ test: OperatorCase) throws
    {
        let shape = [1, 3, test.height, test.width]
        let anchor = try Tensor.random(shape, seed: 5)
        let state = try Tensor.random(shape, seed: 6)
        let observation = try test.forwardOperator.apply(try Tensor.random(shape, seed: 7))
        let (sigma, lambda, scale, sigmaT, delta) = (0.05, 0.7, 0.4, 2.3, 0.02)
        let objective = try ProximalObjective(
            observation: observation, noiseLevel: sigma, dataWeight: lambda, state: state, stateScale: scale,
            stateNoiseLevel: sigmaT, anchor: anchor, stepSize: delta)
        let solution = try test.forwardOperator.proximalSolution(objective)
        let matrix = test.matrix()
        let planeSize = test.height * test.width
        let data = 1 / (lambda * sigma * sigma)
        for plane in 0..<3 {
            let y = observation.values[plane * matrix.rows..<(plane + 1) * matrix.rows].map { Double($0) }
            let rightSide = matrix.transposedTimes(y).enumerated().map { pixel, value in
                data * value + Double(state.values[plane * planeSize + pixel]) / (scale * sigmaT * sigmaT)
                    + Double(anchor.values[plane * planeSize + pixel]) / delta
            }
            let expected = matrix.solveNormalEquations(
                dataWeight: data, ridge: 1 / (sigmaT * sigmaT) + 1 / delta, rightSide: rightSide)
            let part = solution[plane * planeSize..<(plane + 1) * planeSize]
            #expect(largestDifference(Array(part), expected) < 1e-11)
        }
        let rounded = try test.forwardOperator.proximalStep(objective)
        #expect(rounded.shape == shape)
        #expect(rounded.values == solution.map { Float($0) })
    }

    @Test func aGreyImageHasTheResultOfItsChannelInColour() throws {
        let blur = try Deblurring(kernel: OperatorCase.lopsided(3, 4), height: 6, width: 8)
        let colour = try Tensor.random([1, 3, 6, 8], seed: 8)
        let blurred = try blur.apply(colour)
        for channel in 0..<3 {
            let range = channel * 48..<(channel + 1) * 48
            let grey = try blur.apply(Tensor(shape: [1, 1, 6, 8], values: Array(colour.values[range])))
            let difference = largestDifference(
                grey.values.map { Double($0) }, blurred.values[range].map { Double($0) })
            #expect(difference < 1e-6)
        }
    }

    @Test func anImageDoesNotDependOnItsBatch() throws {
        let operators = try OperatorCase.all.get().filter { $0.height == 6 && $0.width == 8 }
        for test in operators {
            let batch = try Tensor.random([2, 3, 6, 8], seed: 9)
            let second = try Tensor(shape: [1, 3, 6, 8], values: Array(batch.values[144...]))
            let together = try test.forwardOperator.apply(batch).values
            let alone = try test.forwardOperator.apply(second).values
            #expect(Array(together.suffix(alone.count)) == alone)
        }
    }

    @Test func superResolutionRefusesSizesAndFactors() throws {
        let kernel = try BlurKernel.bicubic(factor: 4)
        for (height, width) in [(10, 8), (8, 10), (7, 7)] {
            let error = thrownError { _ = try SuperResolution(factor: 4, kernel: kernel, height: height, width: width) }
            #expect(error?.code == .operatorShape)
        }
        for factor in [0, -2, 65] {
            let error = thrownError { _ = try SuperResolution(factor: factor, kernel: kernel, height: 8, width: 8) }
            #expect(error?.code == .operatorParameter)
        }
        let error = thrownError { _ = try SuperResolution(factor: 4, kernel: kernel, height: 0, width: 8) }
        #expect(error?.code == .operatorShape)
    }

    @Test(arguments: [[1, 3, 6, 9], [1, 3, 8, 6], [3, 6, 8], [0, 3, 6, 8], []])
    func refusesImagesOfAnotherSize(shape: [Int]) throws {
        let image = try Tensor(shape: shape, repeating: 0)
        let mask = try Mask(height: 6, width: 8, kept: Array(repeating: true, count: 48))
        let kernel = try BlurKernel.uniform(size: 3)
        let operators: [any ForwardOperator] = [
            Inpainting(mask: mask), try Deblurring(kernel: kernel, height: 6, width: 8),
            try SuperResolution(factor: 1, kernel: kernel, height: 6, width: 8),
            try Denoising(height: 6, width: 8), try JPEGCompression(quality: 50, height: 6, width: 8),
            try CompressedSensing(height: 6, width: 8, rows: 6, seed: 1),
        ]
        for forwardOperator in operators {
            let image1 = thrownError { _ = try forwardOperator.apply(image) }
            #expect(image1?.code == .operatorShape && image1?.location.tensor == "image")
            for attempt in [forwardOperator.adjoint, forwardOperator.initialEstimate] {
                let error = thrownError { _ = try attempt(image) }
                #expect(error?.code == .operatorShape && error?.location.tensor == "observation")
            }
        }
    }
}
