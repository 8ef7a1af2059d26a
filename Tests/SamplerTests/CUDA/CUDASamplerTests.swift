import Foundation
import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// Whole samplers whose images stay on the device that interprets kernels, against the CPU's.
@Suite("samplers on a device", .enabled(if: SamplerDevice.isAvailable), .serialized) struct CUDASamplerTests {
    enum Task: CaseIterable {
        case deblur, inpaint, superResolution

        func make(_ height: Int, _ width: Int) throws -> any ForwardOperator {
            switch self {
            case .deblur: try Deblurring(kernel: .gaussian(size: 3, variance: 1), height: height, width: width)
            case .inpaint:
                Inpainting(
                    mask: try .random(height: height, width: width, keptFraction: 0.5, noise: PhiloxNoise(seed: 1)))
            case .superResolution:
                try SuperResolution(factor: 2, kernel: .gaussian(size: 5, variance: 1.5), height: height, width: width)
            }
        }

        /// The kernels of its proximal step.
        var kernels: Set<String> {
            switch self {
            case .deblur: ["fft_rows", "fft_columns"]
            case .inpaint: ["masked"]
            case .superResolution: ["fft_rows", "fft_columns", "super_resolution"]
            }
        }
    }

    private static let always: Set<String> = ["noise", "combine", "reduce", "reduce_finish"]

    /// N = `steps`, K = `iterations`, at noise levels that enlarge no difference much.
    private func configuration(
        steps: Int = 2, iterations: Int = 2, warmStart: WarmStart = .plain, dataWeight: Double = 1
    ) throws -> SamplerConfiguration {
        SamplerConfiguration(
            grid: try .quadratic(steps: steps), iterations: iterations, noiseLevel: 0.1,
            dataWeight: .constant(dataWeight), innerLevels: .geometric(from: 0.5, to: 0.05),
            transition: .mixture(eta: 0.5), warmStart: warmStart)
    }

    private func samples(
        _ denoiser: any Denoiser, _ forward: any ForwardOperator, _ configuration: SamplerConfiguration,
        _ image: [Int], noise: any NoiseSource = PhiloxNoise(seed: 5), count: Int = 2,
        monitor: SamplerMonitor = .silent
    ) throws -> [Tensor] {
        let observation = try forward.apply(Tensor.random(image, seed: 2).scaled(by: 0.3))
        return try UnfoldedSampler(
            denoiser: denoiser, forwardOperator: forward, configuration: configuration, noise: noise
        ).draw(0..<count, observation: observation, monitor: monitor)
    }

    private func expectEqual(
        _ found: [Tensor], _ expected: [Tensor], within bound: Double,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(found.count == expected.count, sourceLocation: sourceLocation)
        for (found, expected) in zip(found, expected) {
            let difference = largestDifference(found, expected)
            #expect(difference <= bound, sourceLocation: sourceLocation)
            #expect(expected.values.contains { abs($0) > 0.01 && abs($0) < 1 }, sourceLocation: sourceLocation)
        }
    }

    // MARK: With a network

    /// A small network that learns a variance, so that only half of its output is noise, and knows two classes.
    private static let architecture = ArchitectureConfiguration.adm(
        ADMConfiguration(
            imageChannels: 1, inputChannels: 1, outputChannels: 2, modelChannels: 32, levelChannels: [32, 32],
            residualBlocks: 1, attentionLevels: [1], heads: .count(2), attentionOrder: .legacy, usesScaleShift: true,
            resampling: .residualBlock, classCount: 2, isSuperResolution: false))

    private static let store = Result {
        let tensors = try Network.requiredWeights(architecture).enumerated().map { index, weight in
            let noise = try Tensor.random(weight.shape, seed: UInt64(index))
            return TensorInput(
                name: TensorName(weight.name), shape: weight.shape, floats: noise.values.map { $0 * 0.1 })
        }
        let folder = try TemporaryDirectory()
        let path = folder.path("weights.ud2w")
        _ = try WeightStoreWriter(tensors: tensors).write(to: path)
        return try withExtendedLifetime(folder) { try WeightStore(path: path) }
    }

    private func host() throws -> NetworkDenoiser {
        try NetworkDenoiser(
            network: Network(store: Self.store.get(), architecture: Self.architecture, threads: 2), classLabel: 1)
    }

    private func device(_ element: DeviceElement) throws -> NetworkDenoiser {
        try NetworkDenoiser(
            network: CUDANetwork(
                store: Self.store.get(), architecture: Self.architecture, context: SamplerDevice.openContext(),
                element: element),
            classLabel: 1)
    }

    /// Float32 sums in another order; fp16 rounds maps and weights at 4.9·10⁻⁴ in every layer.
    @Test("samples are those of the CPU", arguments: Task.allCases, [DeviceElement.f32, .f16])
    func networks(task: Task, element: DeviceElement) throws {
        let forward = try task.make(6, 8)
        let denoiser = try device(element)
        let found = try samples(denoiser, forward, configuration(), [1, 1, 6, 8])
        expectEqual(
            found, try samples(host(), forward, configuration(), [1, 1, 6, 8]), within: element == .f32 ? 1e-4 : 5e-2)
        // All of it happened on the device.
        #expect(try denoiser.arithmetic?.launched == task.kernels.union(Self.always))
    }

    @Test("images that must be padded or tiled go through the host, and give the same")
    func paddedAndTiled() throws {
        let once = try configuration(steps: 1, iterations: 1)
        let odd = try Task.deblur.make(7, 9)
        expectEqual(
            try samples(device(.f32), odd, once, [1, 1, 7, 9]), try samples(host(), odd, once, [1, 1, 7, 9]),
            within: 1e-4)
        let forward = try Task.deblur.make(8, 8)
        for tile in [6, 8] {
            let found = try samples(TiledDenoiser(device(.f32), tile: tile, overlap: 2), forward, once, [1, 1, 8, 8])
            let expected = try samples(TiledDenoiser(host(), tile: tile, overlap: 2), forward, once, [1, 1, 8, 8])
            expectEqual(found, expected, within: 1e-4)
        }
    }

    @Test("images of other channels are refused as on the CPU")
    func channels() throws {
        for denoiser in [try host(), try device(.f32)] {
            let error = thrownError {
                _ = try samples(denoiser, Task.inpaint.make(6, 8), configuration(), [1, 3, 6, 8])
            }
            #expect(error?.code == .operatorShape && error?.location.tensor == "x")
        }
    }

    @Test("priors are drawn on the device")
    func priors() throws {
        let denoiser = try device(.f32)
        func draw(_ denoiser: NetworkDenoiser) throws -> [Tensor] {
            try PriorSampler(
                denoiser: denoiser, grid: .uniform(steps: 2), eta: 0.5, noise: PhiloxNoise(seed: 3)
            ).draw(0..<2, shape: [1, 1, 6, 8])
        }
        // The first step, at the noisiest timestep, divides by √ᾱ = 0.006 before it limits.
        let (found, expected) = (try draw(denoiser), try draw(host()))
        for (found, expected) in zip(found, expected) { #expect(largestDifference(found, expected) < 1e-3) }
        #expect(found.count == 2 && found[0] != found[1])
        #expect(try denoiser.arithmetic?.launched == Self.always)
    }

    // MARK: Without one

    @Test(
        "operators, starts and sources of noise that the device does not have come from the CPU",
        arguments: Task.allCases, [WarmStart.plain, .weightedAdjoint, .pseudoInverse])
    func fallbacks(task: Task, warmStart: WarmStart) throws {
        let shape = [2, 3, 6, 10]
        let forward = try task.make(6, 10)
        let settings = try configuration(warmStart: warmStart)
        for (hidden, noise) in [(false, 0), (true, 0), (false, 1), (false, 2)] {
            let forward: any ForwardOperator = hidden ? HiddenOperator(hidden: forward) : forward
            // A source that follows the order of draws, one for each run.
            func source() throws -> any NoiseSource {
                switch noise {
                case 0: PhiloxNoise(seed: 8)
                case 1: TorchNoise(seed: 8)
                default: NoiseRecorder(PhiloxNoise(seed: 8))
                }
            }
            let arithmetic = try SamplerDevice.arithmetic()
            let found = try samples(HalfDenoiser(arithmetic: arithmetic), forward, settings, shape, noise: source())
            let expected = try samples(HalfDenoiser(arithmetic: nil), forward, settings, shape, noise: source())
            expectEqual(found, expected, within: 1e-4)
            let launched = try arithmetic.launched
            #expect(launched.contains("noise") == (noise == 0))
            #expect(launched.isDisjoint(with: task.kernels) == hidden)
        }
    }

    @Test("a weight that float32 transforms would spoil is left to the CPU")
    func smallWeights() throws {
        let settings = try configuration(dataWeight: 1e-9)
        for task in Task.allCases {
            let arithmetic = try SamplerDevice.arithmetic()
            let forward = try task.make(6, 10)
            let found = try samples(HalfDenoiser(arithmetic: arithmetic), forward, settings, [1, 1, 6, 10])
            expectEqual(
                found, try samples(HalfDenoiser(arithmetic: nil), forward, settings, [1, 1, 6, 10]), within: 1e-4)
            // The observation's spectrum was made before the weight was known.
            #expect(try !arithmetic.launched.contains("super_resolution"))
        }
    }

    @Test("no iteration copies an image to the host or from it")
    func copies() throws {
        for task in Task.allCases {
            let forward = try task.make(10, 12)
            let arithmetic = try CountingDevice.arithmetic()
            func count(steps: Int, iterations: Int) throws -> [Int] {
                let before = [CountingDevice.uploads, CountingDevice.downloads]
                _ = try samples(
                    HalfDenoiser(arithmetic: arithmetic), forward,
                    configuration(steps: steps, iterations: iterations), [1, 3, 10, 12], count: 2)
                return zip([CountingDevice.uploads, CountingDevice.downloads], before).map { $0 - $1 }
            }
            // The first run makes tables of transforms.
            _ = try count(steps: 1, iterations: 1)
            let short = try count(steps: 1, iterations: 1)
            #expect(try count(steps: 3, iterations: 2) == short)
            // The samples.
            #expect(short[1] == 2)
        }
    }

    @Test("memory is used again")
    func memory() throws {
        let arithmetic = try CountingDevice.arithmetic()
        let image = try arithmetic.upload(Tensor.random([1, 3, 30, 30], seed: 1))
        func work() throws {
            var sum = image
            for _ in 0..<4 { sum = try arithmetic.sum(DeviceMix(sum, 0.5, image, 0.5)) }
            _ = try arithmetic.download(sum)
        }
        try work()
        let before = CountingDevice.allocations
        for _ in 0..<10 { try work() }
        #expect(CountingDevice.allocations == before)
    }

    @Test("the monitor sees what it sees on the CPU, and ends a run")
    func monitor() throws {
        let forward = try Task.deblur.make(6, 10)
        func events(_ arithmetic: DeviceArithmetic?) throws -> [SamplerEvent] {
            let log = EventLog()
            _ = try samples(
                HalfDenoiser(arithmetic: arithmetic), forward, configuration(), [1, 1, 6, 10],
                monitor: SamplerMonitor(observe: { log.add($0) }))
            return log.events
        }
        let (found, expected) = (try events(SamplerDevice.arithmetic()), try events(nil))
        #expect(found.map(\.point) == expected.map(\.point) && found.map(\.sample) == expected.map(\.sample))
        for (found, expected) in zip(found, expected) {
            #expect(largestDifference(found.tensor, expected.tensor) < 1e-4, "\(found.point)")
        }
        let error = thrownError {
            _ = try samples(
                HalfDenoiser(arithmetic: SamplerDevice.arithmetic()), forward, configuration(), [1, 1, 6, 10],
                monitor: SamplerMonitor(isCancelled: { true }))
        }
        #expect(error?.code == .cancelled)
    }

    @Test("images that are not finite end a run")
    func notFinite() throws {
        /// Gives infinities.
        struct Broken: DeviceDenoiser {
            let arithmetic: DeviceArithmetic?

            func predictNoise(_ x: Tensor, timestep: Int) throws -> Tensor {
                try Tensor(shape: x.shape, repeating: .infinity)
            }

            func predictNoise(_ images: [DeviceTensor], timestep: Int) throws -> [DeviceTensor] {
                guard let arithmetic else { return [] }
                return try images.map {
                    try arithmetic.upload(Tensor(shape: $0.shape, repeating: .infinity))
                }
            }
        }
        for arithmetic in [nil, try SamplerDevice.arithmetic()] {
            let error = thrownError {
                _ = try samples(
                    Broken(arithmetic: arithmetic), Task.inpaint.make(6, 10), configuration(), [1, 1, 6, 10])
            }
            #expect(error?.code == .notFinite)
        }
    }
}

/// Keeps events.
private final class EventLog: @unchecked Sendable {
    private let lock = NSLock()
    private var kept: [SamplerEvent] = []

    var events: [SamplerEvent] { lock.withLock { kept } }

    func add(_ event: SamplerEvent) { lock.withLock { kept.append(event) } }
}
