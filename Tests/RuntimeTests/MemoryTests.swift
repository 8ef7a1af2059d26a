import Testing
import UD2MFormats
import UD2MRuntime

/// The memory that plans of full-size networks take; nothing is run.
@Suite struct MemoryTests {
    /// The unconditional ADM network of 256×256 images (`networks.md` §1.2).
    static let adm = ADMConfiguration(
        imageChannels: 3, inputChannels: 3, outputChannels: 6, modelChannels: 256,
        levelChannels: [256, 256, 512, 512, 1024, 1024], residualBlocks: 2, attentionLevels: [3, 4, 5],
        heads: .channels(64), attentionOrder: .legacy, usesScaleShift: true, resampling: .residualBlock,
        classCount: nil, isSuperResolution: false)

    /// Megabytes of activations and scratch memory.
    private func arena(side: Int, images: Int = 1) throws -> Int {
        let key = PlanKey(sizes: [.init(name: "x", height: side, width: side)], taps: [])
        let compiled = try CompiledGraph(
            ArchitectureConfiguration.adm(Self.adm).graph, for: key, threads: 2, images: images)
        return (compiled.arenaSize * compiled.images * 4) >> 20
    }

    /// A map of 256 channels and 256×256 pixels takes 64 MB. Six of them live at once while the last level joins its
    /// three skip connections; the rest is scratch memory.
    @Test func activationsOfADM() throws {
        let megabytes = try arena(side: 256)
        #expect((6 * 64...6 * 64 + 40).contains(megabytes), "\(megabytes)")
    }

    @Test func growsWithThePixels() throws {
        let (small, large) = (try arena(side: 256), try arena(side: 1024))
        #expect(large <= 16 * small + 16, "\(small) and \(large)")
    }

    /// Items of a batch have arenas of their own, each with room for the scratch memory of convolutions of all.
    @Test func growsWithTheBatch() throws {
        let (one, eight) = (try arena(side: 64), try arena(side: 64, images: 8))
        #expect(eight <= 8 * (one + one / 2), "\(one) and \(eight)")
    }

    /// A batch that does not fit the limit of a GiB runs in parts.
    @Test func largeBatchesStayWithinTheLimit() throws {
        let adm = ADMCase.all[0]
        let network = try Network(store: TestDevice.store(.adm(adm.configuration), adm.weights()), threads: 2)
        let weights = network.memoryInUse
        var shapes: [String: [Int]] = [:]
        for input in network.inputs {
            switch input.kind {
            case .image(let channels, _): shapes[input.name] = [1024, channels, 64, 64]
            case .lowResolutionImage(let channels): shapes[input.name] = [1024, channels, 16, 16]
            case .timestep, .classLabel: shapes[input.name] = [1024]
            }
        }
        let bytes = try network.memoryNeeded(for: shapes) - weights
        #expect((1 << 29...1 << 30).contains(bytes), "\(bytes)")
    }
}
