import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// Making observations, and the plain estimates a sampler starts from.
@Suite struct DegradationTests {
    @Test func noiseHasTheGivenLevel() throws {
        let blur = try Deblurring(kernel: .gaussian(size: 5, variance: 3), height: 120, width: 160)
        let image = try Tensor.random([1, 3, 120, 160], seed: 1)
        let clean = try blur.apply(image)
        #expect(try Degradation.observe(image, through: blur, noiseLevel: 0, noise: PhiloxNoise(seed: 2)) == clean)
        let noisy = try Degradation.observe(image, through: blur, noiseLevel: 0.05, noise: PhiloxNoise(seed: 2))
        let squares = zip(noisy.values, clean.values).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        // 57600 values: the standard error of the deviation is 0.3 %.
        #expect(abs((squares / 57_600).squareRoot() / 0.05 - 1) < 0.012)
    }

    @Test func missingPixelsAreZero() throws {
        let mask = try Mask.random(height: 20, width: 30, keptFraction: 0.3, noise: PhiloxNoise(seed: 3))
        let observation = try Degradation.observe(
            Tensor.random([1, 3, 20, 30], seed: 4), through: Inpainting(mask: mask), noiseLevel: 0.1,
            noise: PhiloxNoise(seed: 5))
        for (index, value) in observation.values.enumerated() { #expect((value != 0) == mask.kept[index % 600]) }
    }

    @Test(arguments: [-0.1, .nan, .infinity]) func refusesImpossibleNoiseLevels(level: Double) throws {
        let image = try Tensor(shape: [1, 1, 1, 1], repeating: 0)
        let mask = try Mask(height: 1, width: 1, kept: [true])
        let error = thrownError {
            _ = try Degradation.observe(
                image, through: Inpainting(mask: mask), noiseLevel: level, noise: PhiloxNoise(seed: 1))
        }
        #expect(error?.code == .operatorParameter)
    }

    @Test(arguments: [2, 3, 4]) func superResolutionStartsFromBicubicInterpolation(factor: Int) throws {
        let golden = try GoldenTensors("sampler/upsampling.safetensors")
        let operation = try SuperResolution(
            factor: factor, kernel: .uniform(size: factor), height: 3 * factor, width: 5 * factor)
        let start = try operation.initialEstimate(Tensor(golden["image"]))
        let expected = try golden["factor_\(factor)"]
        #expect(start.shape == expected.shape)
        #expect(largestDifference(start.values.map { Double($0) }, expected.values) < 1e-6)
    }

    @Test func otherStartsAreTheObservation() throws {
        let observation = try Tensor.random([1, 1, 2, 2], seed: 6)
        let blur = try Deblurring(kernel: .uniform(size: 2), height: 2, width: 2)
        #expect(try blur.initialEstimate(observation) == observation)
        let mask = try Mask(height: 2, width: 2, kept: [true, false, true, true])
        let start = try Inpainting(mask: mask).initialEstimate(observation)
        #expect(start.values == [observation.values[0], 0, observation.values[2], observation.values[3]])
    }
}
