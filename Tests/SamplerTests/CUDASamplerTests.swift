import CUD2MCUDADriver
import Foundation
import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// A whole sampler whose network runs on the driver that interprets kernels.
@Suite struct CUDASamplerTests {
    private static let driver = Result {
        TestDriverSettings.apply()
        return try CUDADriver { name in ud2m_testdriver_resolve(name) }
    }

    private static var isAvailable: Bool { (try? driver.get()) != nil }

    private static let configuration = ADMConfiguration(
        imageChannels: 1, inputChannels: 1, outputChannels: 1, modelChannels: 32, levelChannels: [32, 32],
        residualBlocks: 1, attentionLevels: [1], heads: .count(2), attentionOrder: .legacy, usesScaleShift: true,
        resampling: .residualBlock, classCount: nil, isSuperResolution: false)

    @Test(.enabled(if: isAvailable)) func samplesAreThoseOfTheCPU() throws {
        let architecture = ArchitectureConfiguration.adm(Self.configuration)
        let tensors = try Network.requiredWeights(architecture).enumerated().map { index, weight in
            let noise = try Tensor.random(weight.shape, seed: UInt64(index))
            return TensorInput(
                name: TensorName(weight.name), shape: weight.shape, floats: noise.values.map { $0 * 0.1 })
        }
        let folder = try TemporaryDirectory()
        let path = folder.path("weights.ud2w")
        _ = try WeightStoreWriter(tensors: tensors).write(to: path)
        let store = try WeightStore(path: path)
        let device = try CUDANetwork(
            store: store, architecture: architecture, device: Self.driver.get().device(), element: .f32)
        let host = try Network(store: store, architecture: architecture, threads: 2)
        let observation = try Tensor.random([1, 1, 6, 8], seed: 2)
        func sample(_ denoiser: NetworkDenoiser) throws -> Tensor {
            try UnfoldedSampler(
                denoiser: denoiser,
                forwardOperator: Deblurring(kernel: .gaussian(size: 3, variance: 1), height: 6, width: 8),
                configuration: ZeroShotRecipe.deblurring.configuration(noiseLevel: 0.05, sampleCount: 1),
                noise: PhiloxNoise(seed: 5)
            ).sample(0, observation: observation)
        }
        let expected = try sample(NetworkDenoiser(network: host))
        let found = try sample(NetworkDenoiser(network: device))
        #expect(found.shape == expected.shape)
        let difference = zip(found.values, expected.values).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
        #expect(difference < 1e-3)
        #expect(expected.values.contains { abs($0) > 0.01 })
    }
}
