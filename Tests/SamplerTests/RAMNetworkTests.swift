import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// What the RAM network does around its convolutions, and what it refuses.
@Suite struct RAMNetworkTests {
    private static func image(_ shape: [Int], seed: UInt64) throws -> Tensor {
        let noise = try Tensor.random(shape, seed: seed)
        return try Tensor(shape: shape, values: noise.values.map { 0.5 + 0.1 * $0 })
    }

    @Test(arguments: [1, 2, 3]) func everyChannelCountHasItsHead(_ channels: Int) throws {
        let image = try Self.image([1, channels, 16, 24], seed: 1)
        let restored = try RAMFixtures.network().restore(RAMProblem(observation: image, sigma: .uniform(0.1)))
        #expect(restored.shape == image.shape)
        #expect(restored.values.allSatisfy { $0.isFinite })
    }

    @Test(arguments: RAMConfiguration.Flavour.allCases)
    func anImageDoesNotDependOnItsBatchOrTheThreads(_ flavour: RAMConfiguration.Flavour) throws {
        let images = try Self.image([3, 3, 20, 16], seed: 2)
        let blur = try Deblurring(kernel: RAMFixtures.asymmetricKernel(), height: 20, width: 16)
        let sigma = RAMNoiseLevel.perImage([0.01, 0.1, 0.3])
        let together = try RAMFixtures.network(threads: 1).restore(
            RAMProblem(observation: images, through: blur, sigma: sigma), flavour: flavour)
        for threads in [2, 5] {
            let again = try RAMFixtures.network(threads: threads).restore(
                RAMProblem(observation: images, through: blur, sigma: sigma), flavour: flavour)
            #expect(again == together)
        }
        let alone = try RAMFixtures.network().restore(
            RAMProblem(observation: try images.item(2), through: blur, sigma: .uniform(0.3)), flavour: flavour)
        #expect(alone == (try together.item(2)))
    }

    @Test func anUnknownNoiseLevelIsTheFloorOfDeepinv() throws {
        let image = try Self.image([1, 1, 64, 64], seed: 3)
        let network = try RAMFixtures.network()
        let unknown = try network.restore(RAMProblem(observation: image), flavour: .deepinv)
        for level in [RAMNoiseLevel.uniform(0), .uniform(5e-3), .perImage([1e-3])] {
            #expect(try network.restore(RAMProblem(observation: image, sigma: level), flavour: .deepinv) == unknown)
        }
        let gain = RAMProblem(observation: image, gain: .uniform(1e-4))
        #expect(try network.restore(gain, flavour: .deepinv) == unknown)
        // The original tells the network 5e-3 for an unknown level, and 1e-3 at least for a known one.
        let plain = try network.restore(RAMProblem(observation: image), flavour: .original)
        let known = try network.restore(
            RAMProblem(observation: image, sigma: .uniform(5e-3), gain: .uniform(5e-3)), flavour: .original)
        // Denoising's first step moves nothing, whatever its weight, beyond rounding.
        #expect(Self.difference(plain, known) < 1e-5)
        let zero = try network.restore(RAMProblem(observation: image, sigma: .uniform(0)), flavour: .original)
        #expect(Self.difference(plain, zero) > 1e-4)
    }

    @Test(arguments: RAMConfiguration.Flavour.allCases)
    func aConstantMapIsItsNumber(_ flavour: RAMConfiguration.Flavour) throws {
        let image = try Self.image([2, 1, 64, 64], seed: 4)
        let network = try RAMFixtures.network()
        let map = try Tensor(shape: [2, 1, 64, 64], repeating: 0.125)
        let mapped = try network.restore(
            RAMProblem(observation: image, sigma: .map(map), gain: .map(map)), flavour: flavour)
        let plain = try network.restore(
            RAMProblem(observation: image, sigma: .uniform(0.125), gain: .uniform(0.125)), flavour: flavour)
        #expect(mapped == plain)
    }

    @Test func darkImagesAreRescaledByDeepinvOnly() throws {
        let image = try Self.image([1, 1, 64, 64], seed: 5)
        let peak = try #require(image.values.map { abs($0) }.max())
        // Powers of two scale exactly; the dark image's peak is below 0.025, the bright one's is 1.
        let bright = try image.scaled(by: 1 / Double(peak))
        let dark = try bright.scaled(by: 1.0 / 64)
        let network = try RAMFixtures.network()
        func restored(_ image: Tensor, _ sigma: Double, _ flavour: RAMConfiguration.Flavour) throws -> Tensor {
            try network.restore(RAMProblem(observation: image, sigma: .uniform(sigma)), flavour: flavour)
        }
        let expected = try restored(bright, 0.0625, .deepinv).scaled(by: 1.0 / 64)
        #expect(Self.difference(try restored(dark, 0.0625 / 64, .deepinv), expected) < 1e-7)
        #expect(Self.difference(try restored(dark, 0.0625 / 64, .original), expected) > 1e-3)
        let black = try Tensor(shape: [1, 1, 64, 64], repeating: 0)
        for flavour in RAMConfiguration.Flavour.allCases {
            #expect(try restored(black, 0.1, flavour).values.allSatisfy { $0.isFinite })
        }
    }

    @Test func valuesAtMissingPixelsDoNotCount() throws {
        let mask = try RAMFixtures.mask()
        let image = try Self.image([1, 3, 64, 64], seed: 6)
        let masked = try Inpainting(mask: mask).apply(image)
        let network = try RAMFixtures.network()
        func restored(_ observation: Tensor) throws -> Tensor {
            try network.restore(
                RAMProblem(observation: observation, through: Inpainting(mask: mask), sigma: .uniform(0.1)))
        }
        #expect(try restored(image) == (try restored(masked)))
    }

    @Test func aStackOfOneIsThatMeasurement() throws {
        let image = try Self.image([1, 1, 16, 16], seed: 7)
        let network = try RAMFixtures.network()
        let one = try network.restore(RAMProblem(observation: image, sigma: .uniform(0.1)))
        // Two equal measurements of weight ½ are one in Aᵀ and AᵀA; the original solves both by conjugate gradients.
        let half = ScaledMeasurement(IdentityMeasurement(), by: 0.5.squareRoot())
        let observation = try image.scaled(by: 0.5.squareRoot())
        let two = try network.restore(
            RAMProblem(
                observations: [observation, observation], through: [half, half], sigma: .uniform(0.1)))
        #expect(Self.difference(one, two) < 1e-4)
    }

    private static func difference(_ left: Tensor, _ right: Tensor) -> Double {
        largestDifference(left.values.map { Double($0) }, right.values.map { Double($0) })
    }

    // MARK: Refusals

    @Test func refusesProblemsThatDoNotFit() throws {
        let network = try RAMFixtures.network()
        let image = try Tensor(shape: [2, 3, 16, 16], repeating: 0.5)
        let blur = try Deblurring(kernel: .uniform(size: 3), height: 8, width: 8)
        let attempts: [(RAMProblem, UD2MError.Code, String)] = [
            (RAMProblem(observation: try Tensor(shape: [1, 4, 16, 16], repeating: 0)), .inputShape, "y"),
            (RAMProblem(observation: try Tensor(shape: [3, 16, 16], repeating: 0)), .inputShape, "y"),
            (RAMProblem(observation: try Tensor(shape: [0, 3, 16, 16], repeating: 0)), .inputShape, "y"),
            (RAMProblem(observation: try Tensor(shape: [1, 3, 8, 8], repeating: .nan)), .inputRange, "y"),
            (RAMProblem(observations: [], through: []), .inputShape, "y"),
            (RAMProblem(observations: [image], through: []), .inputShape, "y"),
            (RAMProblem(observation: image, through: blur), .operatorShape, "observation"),
            (RAMProblem(observation: image, sigma: .uniform(-1)), .inputRange, "sigma"),
            (RAMProblem(observation: image, sigma: .uniform(.infinity)), .inputRange, "sigma"),
            (RAMProblem(observation: image, sigma: .perImage([1])), .inputShape, "sigma"),
            (
                RAMProblem(observation: image, gain: .map(try Tensor(shape: [2, 1, 16, 8], repeating: 0))),
                .inputShape, "gain"
            ),
            (
                RAMProblem(observation: image, gain: .map(try Tensor(shape: [1, 1, 16, 16], repeating: 0))),
                .inputShape, "gain"
            ),
        ]
        for (problem, code, tensor) in attempts {
            let error = thrownError { _ = try network.restore(problem) }
            #expect(error?.code == code && error?.location.tensor == tensor, "\(String(describing: error))")
        }
        let tap = thrownError { _ = try network.run(RAMProblem(observation: image), taps: ["m_neck"]) }
        #expect(tap?.code == .tapUnknown)
    }

    @Test(arguments: [
        "fact_realign", "m_up1.enc.1.gain", "m_body.enc.0.PhysicsBlock.encoding_conv.head0.conv10.weight",
    ])
    func refusesStoresWithoutItsTensors(_ name: String) throws {
        let error = thrownError { _ = try RAMFixtures.network(without: [name]) }
        #expect(error?.code == .weightMissing && error?.location.tensor == name)
    }

    @Test func needsEveryTensorButTheUnusedSkips() throws {
        // The published network's counts: 685 tensors and 35,618,813 parameters in deepinv, 84 unused skips.
        let published = RAMConfiguration(
            widths: [64, 128, 256, 512], blocksPerLevel: 4, imageChannels: [1, 2, 3], flavour: .original)
        let entries = RAMWeights.entries(published)
        #expect(entries.count == 685)
        #expect(entries.reduce(0) { $0 + $1.shape.reduce(1, *) } == 35_618_813)
        let used = entries.filter { !$0.name.hasSuffix("zero_conv_skip.weight") || $0.name.contains(".head") }
        let needed = try Network.requiredWeights(.ram(published))
        #expect(needed.count == 601)
        #expect(
            Dictionary(uniqueKeysWithValues: needed.map { ($0.name, $0.shape) })
                == Dictionary(uniqueKeysWithValues: used.map { ($0.name, $0.shape) }))
        // Without them a store runs.
        let skips = Set(RAMWeights.entries().map(\.name)).subtracting(
            try Network.requiredWeights(.ram(RAMWeights.configuration)).map(\.name))
        #expect(skips.count == 42)
        _ = try RAMFixtures.network(without: skips)
    }
}
