import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// PyTorch's generator, and recorded noise.
@Suite("noise of other programs") struct TorchNoiseTests {
    @Test("draws of every length follow torch.randn and torch.rand bit for bit")
    func torch() throws {
        let golden = try GoldenTensors("sampler/torch_noise.safetensors")
        let noise = TorchNoise(seed: 1675)
        for (index, count) in [5, 48, 3, 50, 1, 12_288, 16, 17].enumerated() {
            let tensor = try noise.normals(.initialState, sample: 0, shape: [count])
            #expect(try tensor.values == golden["normals_\(index)"].floats, "\(count) values")
        }
        #expect(try noise.uniforms(.mask, sample: 0, shape: [3, 7]).values == golden["uniforms"].floats)
        #expect(try noise.normals(.initialState, sample: 0, shape: [33]).values == golden["after"].floats)
    }

    @Test("each sample has its own generator, and the measurement's draw can be skipped")
    func samples() throws {
        let noise = TorchNoise(seed: 7)
        let first = try noise.normals(.initialState, sample: 0, shape: [20])
        let second = try noise.normals(.initialState, sample: 1, shape: [20])
        #expect(first != second)
        #expect(try TorchNoise(seed: 8).normals(.initialState, sample: 0, shape: [20]) == second)
        let whole = TorchNoise(seed: 7)
        _ = try whole.normals(.observation, sample: 0, shape: [3, 4])
        let skipping = TorchNoise(seed: 7, skippingMeasurement: [3, 4])
        #expect(
            try whole.normals(.initialState, sample: 0, shape: [20])
                == skipping.normals(.initialState, sample: 0, shape: [20]))
    }

    @Test("a recorded run is repeated draw by draw; what is missing or misshapen is named")
    func tape() throws {
        let blur = try Deblurring(kernel: .gaussian(size: 3, variance: 1), height: 6, width: 5)
        let observation = try Tensor.random([1, 1, 6, 5], seed: 2)
        let recorder = NoiseRecorder(PhiloxNoise(seed: 3))
        func sampler(_ noise: any NoiseSource, iterations: Int = 2) throws -> UnfoldedSampler {
            var recipe = ZeroShotRecipe.deblurring
            recipe.iterations = iterations
            return try UnfoldedSampler(
                denoiser: ShrinkingDenoiser(), forwardOperator: blur,
                configuration: recipe.configuration(noiseLevel: 0.05), noise: noise)
        }
        let original = try sampler(recorder).sample(4, observation: observation)
        let tape = recorder.tape
        #expect(Set(tape.draws.keys).contains("sample4/initial-state"))
        #expect(Set(tape.draws.keys).contains("sample4/transition/1/0"))
        #expect(try sampler(tape).sample(4, observation: observation) == original)
        let missing = thrownError { _ = try sampler(tape, iterations: 3).sample(4, observation: observation) }
        #expect(missing?.code == .noiseDraw)
        #expect(missing?.location.tensor == "sample4/denoising/0/2")
        let misshapen = thrownError { _ = try tape.normals(.initialState, sample: 4, shape: [1, 1, 5, 6]) }
        #expect(misshapen?.code == .noiseDraw)
    }
}

private struct ShrinkingDenoiser: Denoiser {
    func predictNoise(_ x: Tensor, timestep: Int) throws -> Tensor {
        try Tensor(shape: x.shape, values: x.values.map { $0 / 3 })
    }
}
