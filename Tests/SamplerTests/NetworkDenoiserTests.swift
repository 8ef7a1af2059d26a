import Foundation
import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// The adapter of a network: padding, channels, classes.
@Suite struct NetworkDenoiserTests {
    /// A two-level network of 32 channels with noise for weights.
    private static func network(channels: Int, learnsVariance: Bool, classCount: Int? = nil) throws -> Network {
        let configuration = ADMConfiguration(
            imageChannels: channels, inputChannels: channels, outputChannels: learnsVariance ? 2 * channels : channels,
            modelChannels: 32, levelChannels: [32, 32], residualBlocks: 1, attentionLevels: [], heads: .count(1),
            attentionOrder: .legacy, usesScaleShift: true, resampling: .residualBlock, classCount: classCount,
            isSuperResolution: false)
        let architecture = ArchitectureConfiguration.adm(configuration)
        let tensors = try Network.requiredWeights(architecture).enumerated().map { index, weight in
            let noise = try Tensor.random(weight.shape, seed: UInt64(index))
            return TensorInput(
                name: TensorName(weight.name), shape: weight.shape, floats: noise.values.map { $0 * 0.1 })
        }
        let url = FileManager.default.temporaryDirectory.appending(path: "ud2m-\(UUID().uuidString).ud2w")
        defer { try? FileManager.default.removeItem(at: url) }
        _ = try WeightStoreWriter(tensors: tensors).write(to: url.path)
        return try Network(store: WeightStore(path: url.path), architecture: architecture, threads: 1)
    }

    @Test func aFittingImageGoesStraightThrough() throws {
        let network = try Self.network(channels: 3, learnsVariance: false)
        let image = try Tensor.random([1, 3, 6, 8], seed: 1)
        let direct = try network.run(["x": image, "t": Tensor(shape: [1], repeating: 444)])["out"]
        #expect(try NetworkDenoiser(network: network).predictNoise(image, timestep: 444) == direct)
    }

    @Test func otherSizesAreMirroredAndCroppedBack() throws {
        let network = try Self.network(channels: 1, learnsVariance: false)
        let image = try Tensor(shape: [1, 1, 3, 5], values: (0..<15).map { Float($0) / 10 })
        // Row 3 mirrors row 1, column 5 mirrors column 3.
        let padded = try Tensor(
            shape: [1, 1, 4, 6],
            values: [0, 1, 2, 1].flatMap { row in [0, 1, 2, 3, 4, 3].map { Float(5 * row + $0) / 10 } })
        let whole = try #require(try network.run(["x": padded, "t": Tensor(shape: [1], repeating: 11)])["out"])
        let noise = try NetworkDenoiser(network: network).predictNoise(image, timestep: 11)
        #expect(noise.shape == [1, 1, 3, 5])
        #expect(noise.values == (0..<3).flatMap { row in (0..<5).map { whole.values[6 * row + $0] } })
    }

    @Test(arguments: [[1, 1, 1, 1], [2, 1, 1, 7], [1, 1, 2, 3]]) func anySizeWorks(shape: [Int]) throws {
        let denoiser = try NetworkDenoiser(network: Self.network(channels: 1, learnsVariance: false))
        let noise = try denoiser.predictNoise(Tensor.random(shape, seed: 2), timestep: 0)
        #expect(noise.shape == shape)
        #expect(noise.values.allSatisfy { $0.isFinite })
    }

    @Test func theLearnedVarianceIsDropped() throws {
        let network = try Self.network(channels: 1, learnsVariance: true)
        let images = try Tensor.random([2, 1, 4, 4], seed: 3)
        let whole = try #require(try network.run(["x": images, "t": Tensor(shape: [2], repeating: 5)])["out"])
        #expect(whole.shape == [2, 2, 4, 4])
        let noise = try NetworkDenoiser(network: network).predictNoise(images, timestep: 5)
        #expect(noise.shape == images.shape)
        #expect(noise.values == Array(whole.values[0..<16] + whole.values[32..<48]))
    }

    @Test func theClassLabelIsPassedOn() throws {
        let network = try Self.network(channels: 1, learnsVariance: false, classCount: 3)
        let image = try Tensor.random([1, 1, 4, 4], seed: 4)
        let results = try (0..<3).map { label in
            try NetworkDenoiser(network: network, classLabel: label).predictNoise(image, timestep: 5)
        }
        #expect(Set(results).count == 3)
    }

    @Test func refusesWhatDoesNotFit() throws {
        let plain = try Self.network(channels: 3, learnsVariance: false)
        let conditional = try Self.network(channels: 1, learnsVariance: false, classCount: 3)
        let attempts: [() throws -> Void] = [
            { _ = try NetworkDenoiser(network: plain, classLabel: 0) },
            { _ = try NetworkDenoiser(network: conditional) },
            { _ = try NetworkDenoiser(network: conditional, classLabel: 3) },
            { _ = try NetworkDenoiser(network: conditional, classLabel: -1) },
        ]
        for attempt in attempts {
            let error = thrownError(attempt)
            #expect(error?.code == .samplerConfiguration && error?.location.tensor == "y")
        }
        let grey = try Tensor(shape: [1, 1, 4, 4], repeating: 0)
        let error = thrownError { _ = try NetworkDenoiser(network: plain).predictNoise(grey, timestep: 0) }
        #expect(error?.code == .operatorShape && error?.location.tensor == "x")
    }
}
