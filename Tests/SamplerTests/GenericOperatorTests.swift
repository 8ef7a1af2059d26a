import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// Operators from closures, stacks and random measurements: what is theirs alone, and what they refuse.
@Suite struct GenericOperatorTests {
    private static func limits() throws -> IterationLimits { try IterationLimits() }

    @Test func refusesAnAdjointThatIsNotTheTranspose() throws {
        let size = PlaneSize(height: 2, width: 3)
        let error = thrownError {
            _ = try GenericLinearOperator(
                imageSize: size, observationSize: size, limits: Self.limits(),
                apply: { plane in plane.enumerated().map { $1 * Double($0 + 1) } }, adjoint: { $0 })
        }
        #expect(error?.code == .operatorParameter)
        let notFinite = thrownError {
            _ = try GenericLinearOperator(
                imageSize: size, observationSize: size, limits: Self.limits(),
                apply: { $0.map { _ in .nan } }, adjoint: { $0 })
        }
        #expect(notFinite?.code == .operatorParameter)
    }

    @Test func refusesResultsOfAnotherSize() throws {
        let error = thrownError {
            _ = try GenericLinearOperator(
                imageSize: PlaneSize(height: 2, width: 3), observationSize: PlaneSize(height: 1, width: 3),
                limits: Self.limits(), apply: { $0 }, adjoint: { $0 + $0 })
        }
        #expect(error?.code == .operatorShape)
    }

    @Test func refusesMatricesAndLimits() throws {
        let size = PlaneSize(height: 2, width: 3)
        for count in [0, 5, 7] {
            let error = thrownError {
                _ = try GenericLinearOperator.matrix(
                    [Double](repeating: 1, count: count), imageSize: size, limits: Self.limits())
            }
            #expect(error?.code == .operatorShape)
        }
        let error = thrownError {
            _ = try GenericLinearOperator.matrix(
                [Double](repeating: .infinity, count: 6), imageSize: size, limits: Self.limits())
        }
        #expect(error?.code == .operatorParameter)
        for (tolerance, iterations) in [(0, 1), (1, 1), (.nan, 1), (0.1, 0)] {
            let limits = thrownError {
                _ = try IterationLimits(tolerance: tolerance, maximumIterations: iterations)
            }
            #expect(limits?.code == .operatorParameter)
        }
    }

    @Test func iterationsThatDoNotEndAreAnError() throws {
        let size = PlaneSize(height: 1, width: 6)
        let operation = try GenericLinearOperator(
            imageSize: size, observationSize: size, limits: IterationLimits(tolerance: 1e-12, maximumIterations: 2),
            apply: { plane in plane.enumerated().map { $1 * Double($0 + 1) } },
            adjoint: { plane in plane.enumerated().map { $1 * Double($0 + 1) } })
        let observation = try Tensor.random([1, 1, 1, 6], seed: 1)
        let error = thrownError {
            _ = try operation.tikhonovSolution(
                observation: observation, mean: [Double](repeating: 0, count: 6), weight: 0.1)
        }
        #expect(error?.code == .notConverged)
    }

    @Test func anObservationOfZerosNeedsNoIterations() throws {
        let test = try OperatorCase.matrix(3, 4, rows: 2)
        let zeros = try Tensor(shape: [1, 1, 1, 2], repeating: 0)
        let solution = try test.forwardOperator.tikhonovSolution(
            observation: zeros, mean: [Double](repeating: 0, count: 12), weight: 0.1)
        #expect(solution == [Double](repeating: 0, count: 12))
    }

    @Test func stackedObservationsHaveOneNoise() throws {
        let (mask, size) = (
            try Mask(height: 2, width: 2, kept: [true, false, true, true]), PlaneSize(height: 2, width: 2)
        )
        let stack = try StackedOperator(
            [Inpainting(mask: mask), Denoising(height: 2, width: 2)], noiseLevels: [0.2, 0.1], limits: Self.limits())
        #expect(stack.noiseLevel == 0.1)
        #expect(stack.observationSize == PlaneSize(height: 1, width: 2 * size.count))
        let image = try Tensor.random([1, 3, 2, 2], seed: 1)
        let observation = try stack.stacked([Inpainting(mask: mask).apply(image), image])
        #expect(observation == (try stack.apply(image)))
        #expect(observation.values[0] == image.values[0] / 2 && observation.values[4] == image.values[0])
        let wrong = thrownError { _ = try stack.stacked([image]) }
        #expect(wrong?.code == .operatorShape && wrong?.location.tensor == "observation")
        let shape = thrownError { _ = try stack.stacked([image, Tensor(shape: [1, 3, 2, 3], repeating: 0)]) }
        #expect(shape?.code == .operatorShape && shape?.location.tensor == "observation")
    }

    @Test func refusesStacks() throws {
        let part = try Denoising(height: 2, width: 2)
        let other = try Denoising(height: 2, width: 3)
        for levels in [[], [0.1, 0.2], [0], [.nan]] as [[Double]] {
            let error = thrownError { _ = try StackedOperator([part], noiseLevels: levels, limits: Self.limits()) }
            #expect(error?.code == .operatorParameter)
        }
        let error = thrownError {
            _ = try StackedOperator([part, other], noiseLevels: [0.1, 0.1], limits: Self.limits())
        }
        #expect(error?.code == .operatorShape)
    }

    @Test func randomMeasurementsFollowTheirSeed() throws {
        let one = try CompressedSensing(height: 9, width: 10, rows: 3, seed: 1)
        let same = try CompressedSensing(height: 9, width: 10, rows: 3, seed: 1)
        let other = try CompressedSensing(height: 9, width: 10, rows: 3, seed: 2)
        #expect(one.chosen == same.chosen && one.signs == same.signs)
        #expect(one.chosen != other.chosen && one.signs != other.signs)
        #expect(Set(one.chosen).count == 30)
        // All of them keep the length of an image.
        let all = try CompressedSensing(height: 9, width: 10, rows: 9, seed: 1)
        let image = try Tensor.random([1, 1, 9, 10], seed: 1)
        let measured = try all.apply(image)
        #expect(abs(inner(measured, measured) / inner(image, image) - 1) < 1e-6)
    }

    @Test func refusesMeasurements() throws {
        for (rows, scale) in [(0, 1), (10, 1), (3, 0), (3, .nan), (3, 1e-200)] {
            let error = thrownError {
                _ = try CompressedSensing(height: 9, width: 10, rows: rows, seed: 1, scale: scale)
            }
            #expect(error?.code == .operatorParameter)
        }
        let sizes = [(0, 4), (4, 0), (Int.max, Int.max)]
        for (height, width) in sizes {
            let errors = [
                thrownError { _ = try CompressedSensing(height: height, width: width, rows: 1, seed: 1) },
                thrownError { _ = try Denoising(height: height, width: width) },
                thrownError { _ = try JPEGCompression(quality: 50, height: height, width: width) },
            ]
            for error in errors { #expect(error?.code == .operatorShape) }
        }
    }
}
