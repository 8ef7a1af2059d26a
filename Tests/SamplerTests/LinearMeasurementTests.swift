import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// The sampler's operators as linear measurements, against deepinv's and against their definitions.
@Suite struct LinearMeasurementTests {
    /// deepinv computes these in float32, by summing up to 1024 products or in float32 transforms.
    static let tolerance = 3e-6

    private static func measurement(_ name: String) throws -> any LinearForwardOperator {
        switch name {
        case "blur_asym":
            return try Deblurring(kernel: RAMFixtures.asymmetricKernel(), height: 64, width: 64)
        case "inpaint": return Inpainting(mask: try RAMFixtures.mask())
        default: return try SuperResolution(factor: 4, kernel: .bicubic(factor: 4), height: 64, width: 64)
        }
    }

    private func difference(_ tensor: Tensor, _ golden: GoldenTensors.Array) -> Double {
        tensor.shape == golden.shape
            ? largestDifference(tensor.values.map { Double($0) }, golden.values) : .infinity
    }

    @Test(arguments: ["blur_asym", "inpaint", "sr4"]) func operatorsEqualTheReference(_ name: String) throws {
        let golden = try GoldenTensors("ram/operators.io.safetensors")
        let image = try Tensor(golden["image"])
        let measurement = try Self.measurement(name)
        let observation = try measurement.apply(image)
        #expect(difference(observation, try golden["\(name)/A"]) < Self.tolerance)
        let back = try measurement.adjoint(observation)
        #expect(difference(back, try golden["\(name)/AT"]) < Self.tolerance)
        #expect(difference(try measurement.gram(image), try golden["\(name)/AT"]) < Self.tolerance)
        let point = try measurement.proximalPoint(
            observation: observation, centre: Tensor(golden["z"]), weight: golden["gamma"].values[0])
        // The reference multiplies a difference of float32 numbers by γ = 7.3.
        #expect(difference(try #require(point), try golden["\(name)/prox"]) < 2e-5)
    }

    @Test(arguments: [1, 2, 3]) func scaleOperatorsEqualTheReference(_ scale: Int) throws {
        let golden = try GoldenTensors("ram/operators.io.safetensors")
        let resampling = SincResampling(factor: 1 << scale)
        let small = try resampling.down(Tensor(golden["image"]))
        #expect(difference(small, try golden["down\(scale)"]) < Self.tolerance)
        let up = try resampling.up(small)
        #expect(up.shape == [1, 3, 64, 64])
        // The fixture keeps every seventh row.
        let rows = (0..<3 * 64).filter { $0 % 64 % 7 == 0 }
        let kept = rows.flatMap { up.values[$0 * 64..<($0 + 1) * 64] }
        #expect(
            largestDifference(kept.map { Double($0) }, try golden["up\(scale)_rows"].values) < Self.tolerance)
        let blur = try Self.measurement("blur_asym")
        let gram = try resampling.down(blur.gram(up)).values.map { Double($0) * Double(1 << (2 * scale)) }
        // Values near 1/4ˢ are multiplied by 4ˢ.
        #expect(largestDifference(gram, try golden["AtA\(scale)"].values) < 1e-5)
    }

    @Test(arguments: [2, 4, 8]) func upIsTheTransposeOfDown(_ factor: Int) throws {
        // A side of 8 is smaller than the filter of 32, which then wraps around more than once.
        let resampling = SincResampling(factor: factor)
        let image = try Tensor.random([2, 3, 8, 24], seed: 1)
        let small = try Tensor.random([2, 3, 8 / factor, 24 / factor], seed: 2)
        let (left, right) = (inner(try resampling.down(image), small), inner(image, try resampling.up(small)))
        #expect(abs(left - right) < 1e-5)
    }

    @Test(arguments: [2, 4, 8]) func filtersEqualTheReference(_ factor: Int) throws {
        let golden = try GoldenTensors("sampler/kernels.safetensors")["sinc_\(factor)"]
        let profile = SincResampling.profile(factor: factor)
        let filter = profile.flatMap { row in profile.map { row * $0 } }
        // One rounding of values below 0.25 to float32, and a float32 Bessel function.
        #expect(largestDifference(filter, golden.values) < 1e-7)
    }

    @Test(arguments: try OperatorCase.all.get()) func gramIsTheAdjointAfterTheOperator(_ test: OperatorCase) throws {
        let image = try Tensor.random([2, 3, test.height, test.width], seed: 3)
        let expected = try test.forwardOperator.adjoint(test.forwardOperator.apply(image))
        let gram = try test.forwardOperator.gram(image)
        #expect(gram.shape == image.shape)
        // Both round to float32, one of them in between too.
        let largest = expected.values.reduce(1) { max($0, Double(abs($1))) }
        let difference = largestDifference(gram.values.map { Double($0) }, expected.values.map { Double($0) })
        #expect(difference < 1e-6 * largest)
    }

    @Test(arguments: try OperatorCase.all.get()) func proximalPointIsTheMinimiser(_ test: OperatorCase) throws {
        let centre = try Tensor.random([1, 3, test.height, test.width], seed: 4)
        let observation = try test.forwardOperator.apply(Tensor.random(centre.shape, seed: 5))
        let weight = 7.0
        for scale in [1, 0.5] {
            let measurement = ScaledMeasurement(test.forwardOperator, by: scale)
            let point = try #require(
                try measurement.proximalPoint(observation: observation, centre: centre, weight: weight))
            // γ(AᵀAx − Aᵀy) + x − z = 0.
            let data = try measurement.gram(point).values
            let target = try measurement.adjoint(observation).values
            let worst = centre.values.indices.map { index in
                abs(weight * Double(data[index] - target[index]) + Double(point.values[index] - centre.values[index]))
            }.max()
            // x and both data terms are rounded to float32 before the difference is taken.
            let largest = target.reduce(1) { max($0, weight * Double(abs($1))) }
            #expect(try #require(worst) < 3e-6 * largest)
        }
    }

    @Test func theIdentityHasAFormula() throws {
        let (observation, centre) = (
            try Tensor.random([1, 1, 2, 3], seed: 6), try Tensor.random([1, 1, 2, 3], seed: 7)
        )
        let point = try #require(
            try IdentityMeasurement().proximalPoint(observation: observation, centre: centre, weight: 3))
        let expected = zip(observation.values, centre.values).map { (3 * Double($0) + Double($1)) / 4 }
        #expect(largestDifference(point.values.map { Double($0) }, expected) < 2e-7)
        let wrong = thrownError {
            _ = try IdentityMeasurement().proximalPoint(
                observation: observation, centre: Tensor(shape: [1, 1, 1, 1], repeating: 0), weight: 1)
        }
        #expect(wrong?.code == .tensorShape)
    }

    @Test func conjugateGradientsStopWhereTheReferencesDo() throws {
        // Two eigenvalues: exact after two steps, not after one.
        let rightSide = try Tensor(shape: [2], values: [3, 1])
        var calls = 0
        let solution = try ConjugateGradients.solve(rightSide, from: Tensor(shape: [2], repeating: 0)) { x in
            calls += 1
            return try Tensor(shape: [2], values: [3 * x.values[0], 0.5 * x.values[1]])
        }
        #expect(calls == 3)
        #expect(largestDifference(solution.values.map { Double($0) }, [1, 2]) < 1e-6)
        // A start that is right already is not left: the guard against dividing by zero.
        let still = try ConjugateGradients.solve(rightSide, from: rightSide) { $0 }
        #expect(still == rightSide)
    }
}
