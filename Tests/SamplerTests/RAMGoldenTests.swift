import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// The RAM network against both of its implementations in PyTorch (`goldens.md` §11).
@Suite struct RAMGoldenTests {
    /// Two float32 implementations of these networks differ by up to 8e-6 where outputs reach 2.5; so do conjugate
    /// gradients that stop at the same iteration.
    static let tolerance = 3e-5
    static let fixtures = [
        "denoise_s010", "denoise_tiny_sigma", "gray_denoise", "denoise_pad_40x56", "deblur_asym", "inpaint",
        "sr4_bicubic",
    ]

    private static func difference(_ tensor: Tensor?, _ golden: GoldenTensors.Array) -> Double {
        guard let tensor, tensor.shape == golden.shape else { return .infinity }
        return largestDifference(tensor.values.map { Double($0) }, golden.values)
    }

    @Test(arguments: fixtures, RAMConfiguration.Flavour.allCases)
    func imagesEqualTheReference(_ fixture: String, _ flavour: RAMConfiguration.Flavour) throws {
        let golden = try GoldenTensors("ram/\(fixture).io.safetensors")
        let problem = try RAMFixtures.problem(fixture, golden)
        let image = try RAMFixtures.network().restore(problem, flavour: flavour)
        #expect(Self.difference(image, try golden["\(flavour.rawValue)/out"]) < Self.tolerance)
    }

    @Test(arguments: fixtures, RAMConfiguration.Flavour.allCases)
    func activationsEqualTheReference(_ fixture: String, _ flavour: RAMConfiguration.Flavour) throws {
        let golden = try GoldenTensors("ram/\(fixture).io.safetensors")
        let names = ["realigned", "m_head", "m_down1.enc.0", "m_body"]
        let results = try RAMFixtures.network().run(
            RAMFixtures.problem(fixture, golden), flavour: flavour, taps: names)
        var compared = 0
        for name in names {
            let key = name == "realigned" ? name : "act/\(name)"
            guard let reference = try? golden["\(flavour.rawValue)/\(key)"] else { continue }
            let tensor = try #require(results[name])
            // Two channels of inner activations are stored.
            let kept = try Tensor(
                shape: reference.shape, values: Array(tensor.values.prefix(reference.values.count)))
            #expect(tensor.shape.suffix(2) == reference.shape.suffix(2), "\(name)")
            #expect(Self.difference(kept, reference) < Self.tolerance, "\(name)")
            compared += 1
        }
        #expect(compared > 0)
    }

    @Test(
        arguments: ["blur_t111", "blur_t999", "inp_t444", "sr4_t444"], RAMConfiguration.Flavour.allCases)
    func stackedMeasurementsEqualTheReference(_ name: String, _ flavour: RAMConfiguration.Flavour) throws {
        let golden = try GoldenTensors("ram/ud2m_stacked_\(name).io.safetensors")
        let forward: any LinearForwardOperator =
            switch name.prefix(3) {
            case "blu": try Deblurring(kernel: .gaussian(size: 5, variance: 3), height: 64, width: 64)
            case "inp": Inpainting(mask: try RAMFixtures.mask())
            default: try SuperResolution(factor: 4, kernel: .bicubic(factor: 4), height: 64, width: 64)
            }
        let timestep = Int(name.suffix(3)) ?? 0
        let schedule = NoiseSchedule.linear
        let estimator = try RAMInitialEstimate(
            network: RAMFixtures.network(), forwardOperator: forward, noiseLevel: 0.05, flavour: flavour)
        let image = try estimator.estimate(
            observation: Tensor(golden["y"]), state: Tensor(golden["x_t"]),
            signalScale: Double(schedule.signalScales[timestep]), noiseScale: Double(schedule.noiseScales[timestep]))
        // Twice the image's scale.
        #expect(Self.difference(image, try golden["\(flavour.rawValue)/x_init"]) < 2 * Self.tolerance)
    }

    @Test func theConfigurationsFlavourIsTheDefault() throws {
        let golden = try GoldenTensors("ram/sr4_bicubic.io.safetensors")
        let image = try RAMFixtures.network().restore(RAMFixtures.problem("sr4_bicubic", golden))
        #expect(Self.difference(image, try golden["original/out"]) < Self.tolerance)
    }
}
