import Foundation
import Synchronization
import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// The sampler of the paper's code, against whole runs of that code with every draw recorded.
@Suite("the published sampler") struct PublishedSamplerTests {
    /// Values reach ±7 in float32. Whether the network's recorded outputs are replayed or the network runs, what is left is
    /// rounding, which the divisions by √ᾱ of late steps enlarge.
    private static let tolerance = 1e-4

    /// Those of the code itself, and those in which every step starts from RAM, which no published run does any more
    /// (`make_sampler_ram.py`).
    private static let cases = [
        "deblur_gaussian", "deblur_uniform", "inp_random", "sr_bicubic", "sr_gaussian", "ram_deblur_gaussian",
        "ram_deblur_uniform", "ram_inp_random", "ram_sr_bicubic", "ram_sr_gaussian",
    ]

    private struct Run {
        let golden: GoldenTensors
        let sampler: PublishedSampler
        let observation: Tensor
    }

    private static func golden(_ name: String) throws -> GoldenTensors {
        try GoldenTensors("sampler/trace_\(name).io.safetensors")
    }

    private static func run(_ name: String, _ golden: GoldenTensors, denoiser: any Denoiser) throws -> Run {
        let settings = PublishedSettings(
            grid: try .quadratic(steps: 3), noiseLevel: 0.05,
            scalars: .init(step: 0.1, dataWeight: -0.2, timestepShift: 0.0203, latentShift: -0.0131))
        let image = try golden["image"].shape
        let forward = try forwardOperator(
            name, golden["kernel_or_mask"], height: image[image.count - 2], width: image[image.count - 1])
        var estimator: RAMInitialEstimate?
        if name.hasPrefix("ram_"), let linear = forward as? any LinearForwardOperator {
            // UD2M uses the original; one trace is of deepinv's.
            estimator = try .published(
                network: RAMFixtures.network(), forwardOperator: linear, noiseLevel: settings.noiseLevel,
                flavour: name == "ram_sr_gaussian" ? .deepinv : .original)
        }
        let draws = try (0..<15).map { try Tensor(golden["noise/" + ($0 < 10 ? "0" : "") + String($0)]) }
        let sampler = try PublishedSampler(
            denoiser: denoiser, forwardOperator: forward, settings: settings,
            noise: NoiseTape(inOrder: draws, steps: 3, iterations: 3), initialEstimator: estimator)
        return Run(golden: golden, sampler: sampler, observation: try Tensor(golden["y"]))
    }

    private static func forwardOperator(
        _ name: String, _ array: GoldenTensors.Array, height: Int, width: Int
    ) throws -> any ForwardOperator {
        if name.hasSuffix("inp_random") {
            return Inpainting(mask: try Mask(height: height, width: width, kept: array.values.map { $0 > 0.5 }))
        }
        let kernel = try BlurKernel(
            rows: array.shape[0], columns: array.shape[1], weights: array.values,
            family: name.hasSuffix("gaussian") ? .gaussian : .other)
        return name.contains("sr_")
            ? try SuperResolution(factor: 4, kernel: kernel, height: height, width: width)
            : try Deblurring(kernel: kernel, height: height, width: width)
    }

    @Test("every recorded point of a run is met", arguments: cases)
    func traces(_ name: String) throws {
        let golden = try Self.golden(name)
        let denoiser = try ReplayedDenoiser(golden, steps: 3, iterations: 3)
        try compare(Self.run(name, golden, denoiser: denoiser))
        #expect(denoiser.timesteps.withLock { $0 } == denoiser.recordedTimesteps)
    }

    @Test("the levels and timesteps of every recorded iteration are met", arguments: cases)
    func innerSteps(_ name: String) throws {
        let golden = try Self.golden(name)
        let run = try Self.run(name, golden, denoiser: HalvingDenoiser())
        for (step, timestep) in run.sampler.settings.grid.timesteps.enumerated() {
            let inner = run.sampler.settings.innerStep(
                timestep: timestep, schedule: .linear, hasMissingPixels: run.sampler.forwardOperator is Inpainting)
            for iteration in 0..<3 {
                let place = "step\(step)/k\(iteration)/"
                #expect(try ulps(inner.level, golden[place + "rho"].values[0]) <= 3, "\(place)")
                // The checkpoint's T_AUG is a float32 number.
                #expect(try ulps(inner.shifted, golden[place + "tz"].values[0]) <= 1, "\(place)")
            }
        }
    }

    /// How many float32 numbers lie between two positive ones.
    private func ulps(_ first: Double, _ second: Double) -> Int {
        abs(Int(Float(first).bitPattern) - Int(Float(second).bitPattern))
    }

    @Test("and with the network itself, from its checkpoint and its adapter", arguments: cases)
    func networkTraces(_ name: String) throws {
        try compare(Self.run(name, Self.golden(name), denoiser: AdaptedNetwork.denoiser()))
    }

    /// Draws the sample of a run and expects every point to be as recorded.
    private func compare(_ run: Run) throws {
        let events = Mutex<[SamplerEvent]>([])
        let monitor = SamplerMonitor(observe: { event in events.withLock { $0.append(event) } })
        let result = try run.sampler.sample(0, observation: run.observation, monitor: monitor)
        var compared = 0
        for event in events.withLock({ $0 }) {
            let place = "step\(event.step)/" + (event.iteration.map { "k\($0)/" } ?? "")
            let difference = largestDifference(
                event.tensor.values.map { Double($0) }, try Self.recorded(event, at: place, in: run))
            #expect(difference < Self.tolerance, "\(place)\(event.point) differs by \(difference)")
            compared += 1
        }
        // Four points a step and four an iteration.
        #expect(compared == 4 * 3 + 4 * 9)
        let expected = try run.golden["result"].values.map { 2 * $0 - 1 }
        #expect(largestDifference(result.values.map { Double($0) }, expected) < Self.tolerance)
    }

    /// What a trace holds for a point of the run.
    private static func recorded(_ event: SamplerEvent, at place: String, in run: Run) throws -> [Double] {
        let name =
            switch event.point {
            case .state: "x_t"
            case .start: "x_init"
            case .proximal: "zest"
            case .noisy: "z_input"
            case .predictedNoise: "eps"
            case .denoised: "x"
            case .estimate: "xstart_pred"
            case .stateNoise: "eps_pred"
            }
        var values = try run.golden[place + name].values
        if event.point == .estimate { values = values.map { 2 * $0 - 1 } }
        if event.point == .denoised, event.iteration == 0, run.sampler.forwardOperator is Inpainting {
            // Traces hold x before the known pixels are put back.
            let kept = try run.golden["kernel_or_mask"].values
            for index in values.indices where kept[index % kept.count] > 0.5 {
                values[index] = Double(run.observation.values[index])
            }
        }
        return values
    }

    @Test("levels and timesteps are those of the code's table")
    func timesteps() throws {
        // Columns: inpainting, t, σ, T_AUG, sp, ρ, tz, and what tz is without T_AUG.
        let rows = try GoldenTensors("sampler/get_z_timesteps.safetensors")["rows"]
        for start in stride(from: 0, to: rows.values.count, by: rows.shape[1]) {
            let row = Array(rows.values[start..<start + rows.shape[1]])
            let isInpainting = row[0] == 1
            let settings = PublishedSettings(
                grid: try .quadratic(steps: 3), noiseLevel: row[2],
                scalars: .init(step: log(row[4]), timestepShift: row[3] / 1000))
            let inner = settings.innerStep(
                timestep: Int(row[1]), schedule: .linear, hasMissingPixels: isInpainting)
            // The code rounds at each of its steps to ρ, which makes up to 3 units in the last place, and none on the way to tz.
            #expect(ulps(inner.level, row[5]) <= 3, "\(row)")
            #expect(Float(inner.shifted) == Float(row[6]), "\(row)")
        }
    }

    @Test("samples side by side have the bytes of samples alone")
    func batches() throws {
        let blur = try Deblurring(kernel: .gaussian(size: 3, variance: 1), height: 7, width: 9)
        let observation = try Tensor.random([1, 3, 7, 9], seed: 2)
        let sampler = try PublishedSampler(
            denoiser: HalvingDenoiser(), forwardOperator: blur,
            settings: PublishedSettings(grid: .quadratic(steps: 2), iterations: 2, noiseLevel: 0.05),
            noise: PhiloxNoise(seed: 4))
        let together = try sampler.draw(3..<6, observation: observation)
        for index in 3..<6 {
            #expect(try sampler.sample(index, observation: observation) == together[index - 3])
        }
        var seen: [Int] = []
        try sampler.forEachSample(count: 5, batch: 2, observation: observation) { index, sample in
            seen.append(index)
            if index >= 3 { #expect(sample == together[index - 3]) }
        }
        #expect(seen == Array(0..<5))
    }

    @Test("settings that no training gives are refused")
    func refused() throws {
        let good = PublishedSettings(grid: try .quadratic(steps: 3), noiseLevel: 0.05)
        let changes: [(inout PublishedSettings) -> Void] = [
            { $0.iterations = 0 }, { $0.noiseLevel = 0 }, { $0.noiseLevel = .infinity }, { $0.eta = 1.5 },
            { $0.scalars.step = .nan }, { $0.scalars.dataWeight = 400 }, { $0.scalars.latentShift = .infinity },
        ]
        for change in changes {
            var settings = good
            change(&settings)
            #expect(throws: UD2MError.self) { try settings.validate() }
        }
        try good.validate()
    }
}

/// Gives the recorded outputs of a network one after the other, and notes the timesteps.
private final class ReplayedDenoiser: Denoiser {
    let recordedTimesteps: [Int]
    let timesteps = Mutex<[Int]>([])
    private let outputs: [Tensor]

    init(_ golden: GoldenTensors, steps: Int, iterations: Int) throws {
        var outputs: [Tensor] = []
        var recorded: [Int] = []
        let integers = try Golden(golden.name).tensors
        for step in 0..<steps {
            for iteration in 0..<iterations {
                let place = "step\(step)/k\(iteration)/"
                outputs.append(try Tensor(golden[place + "eps"]))
                recorded.append(Int(integers[place + "tu"]?.values.first ?? -1))
            }
        }
        self.outputs = outputs
        recordedTimesteps = recorded
    }

    func predictNoise(_ x: Tensor, timestep: Int) throws -> Tensor {
        let index = timesteps.withLock { seen in
            seen.append(timestep)
            return seen.count - 1
        }
        return outputs[index]
    }
}

/// A denoiser that looks at every value alone.
private struct HalvingDenoiser: Denoiser {
    func predictNoise(_ x: Tensor, timestep: Int) throws -> Tensor {
        try Tensor(shape: x.shape, values: x.values.map { $0 / 2 })
    }
}
