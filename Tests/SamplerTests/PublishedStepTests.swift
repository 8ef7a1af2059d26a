import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// The steps and starts of the paper's code, against its own outputs.
@Suite struct PublishedStepTests {
    /// The reference computes in float32, its transforms included.
    static let tolerance = 1e-6

    private static func objective(_ golden: GoldenTensors) throws -> ProximalObjective {
        let scalars = try golden["scalars"].values
        return try ProximalObjective(
            observation: Tensor(golden["y"]), noiseLevel: scalars[4], dataWeight: scalars[3],
            state: Tensor(golden["x_t"]), stateScale: scalars[1].squareRoot(), stateNoiseLevel: scalars[0],
            anchor: Tensor(golden["s"]), stepSize: scalars[2] * scalars[2])
    }

    private static func kernel(_ golden: GoldenTensors.Array, isGaussian: Bool) throws -> BlurKernel {
        try BlurKernel(
            rows: golden.shape[0], columns: golden.shape[1], weights: golden.values,
            family: isGaussian ? .gaussian : .other)
    }

    private static func operation(_ name: String, _ golden: GoldenTensors) throws -> any ForwardOperator {
        if name == "inpainting" {
            return Inpainting(mask: try Mask(height: 16, width: 16, values: golden["mask"].floats))
        }
        let kernel = try kernel(golden["kernel"], isGaussian: name == "deblur_gaussian")
        return name.hasPrefix("sr")
            ? try SuperResolution(factor: 4, kernel: kernel, height: 16, width: 16)
            : try Deblurring(kernel: kernel, height: 16, width: 16)
    }

    @Test(arguments: [
        "deblur_gaussian", "deblur_uniform", "deblur_motion", "inpainting", "sr_bicubic_x4", "sr_gaussian_x4",
    ]) func stepsEqualTheReference(name: String) throws {
        let golden = try GoldenTensors("sampler/\(name).io.safetensors")
        let step = try Self.operation(name, golden).publishedStep(Self.objective(golden))
        let difference = largestDifference(step.values.map { Double($0) }, try golden["code"].values)
        #expect(difference < Self.tolerance, "\(difference)")
    }

    @Test func gradientStepsMoveAnImageTheLessTheLargerItsBatchIs() throws {
        let golden = try GoldenTensors("sampler/deblur_uniform.io.safetensors")
        let objective = try Self.objective(golden)
        let blur = try Self.operation("deblur_uniform", golden)
        let moved = try blur.publishedStep(objective)
        func first(_ tensor: Tensor) throws -> Tensor {
            try Tensor(shape: [1] + tensor.shape.dropFirst(), values: Array(tensor.values.prefix(768)))
        }
        let alone = try blur.publishedStep(
            ProximalObjective(
                observation: first(objective.observation), noiseLevel: objective.noiseLevel,
                dataWeight: objective.dataWeight, state: first(objective.state), stateScale: objective.stateScale,
                stateNoiseLevel: objective.stateNoiseLevel, anchor: first(objective.anchor),
                stepSize: objective.stepSize))
        func way(_ tensor: Tensor) -> Double {
            zip(tensor.values.prefix(768), objective.anchor.values).reduce(0.0) { $0 + pow2(Double($1.0 - $1.1)) }
        }
        #expect(way(alone) > 1.05 * way(moved))
    }

    private func pow2(_ value: Double) -> Double { value * value }

    @Test(arguments: ["gaussian", "uniform", "motion"]) func blursEqualTheReference(name: String) throws {
        let golden = try GoldenTensors("operators/forward.io.safetensors")
        let blur = try Deblurring(
            kernel: Self.kernel(golden["blur_\(name)/kernel"], isGaussian: name == "gaussian"), height: 32, width: 32,
            thresholdsTransfer: true)
        let image = try Tensor(golden["x"])
        func difference(_ tensor: Tensor, _ key: String) throws -> Double {
            largestDifference(tensor.values.map { Double($0) }, try golden["blur_\(name)/\(key)"].values)
        }
        #expect(try difference(blur.apply(image), "Ax") < Self.tolerance)
        #expect(try difference(blur.adjoint(image), "ATx") < Self.tolerance)
        #expect(try difference(blur.publishedStart(image), "ATx") < Self.tolerance)
    }

    @Test func thresholdingRemovesSmallFrequencies() throws {
        // 38 % of the frequencies of the 5×5 Gaussian at 256×256 (sampler.md §8).
        let kernel = try BlurKernel.gaussian(size: 5, variance: 3)
        let image = try Tensor.random([1, 1, 256, 256], seed: 1)
        let plain = try Deblurring(kernel: kernel, height: 256, width: 256).apply(image)
        let cut = try Deblurring(kernel: kernel, height: 256, width: 256, thresholdsTransfer: true).apply(image)
        #expect(plain != cut)
        // Each removed frequency is below 0.00909, and the noise has deviation 1.
        let square = zip(plain.values, cut.values).reduce(0.0) { $0 + pow2(Double($1.0 - $1.1)) } / 65_536
        #expect(square.squareRoot() < 0.0091)
    }

    @Test(arguments: ["gaussian", "bicubic"]) func superResolutionStartsEqualTheReference(name: String) throws {
        let golden = try GoldenTensors("operators/forward.io.safetensors")
        let operation = try SuperResolution(
            factor: 4, kernel: Self.kernel(golden["sr_\(name)/kernel"], isGaussian: false), height: 32, width: 32)
        let start = try operation.publishedStart(Tensor(golden["sr_\(name)/y"]))
        let expected = try golden["sr_\(name)/AT_up"]
        #expect(start.shape == expected.shape)
        #expect(largestDifference(start.values.map { Double($0) }, expected.values) < Self.tolerance)
    }

    @Test func elsewhereTheyAreTheStepAndTheTranspose() throws {
        let image = try Tensor.random([1, 3, 6, 8], seed: 2)
        let operation = try CompressedSensing(height: 6, width: 8, rows: 3, seed: 1)
        let observation = try operation.apply(image)
        let objective = try ProximalObjective(
            observation: observation, noiseLevel: 0.1, state: image, stateScale: 0.5, stateNoiseLevel: 1,
            anchor: image, stepSize: 0.1)
        #expect(try operation.publishedStep(objective) == operation.proximalStep(objective))
        #expect(try operation.publishedStart(observation) == operation.adjoint(observation))
    }
}
