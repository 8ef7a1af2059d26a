import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// Proximal steps against the float64 solutions that the reference's golden files hold.
@Suite struct ProximalObjectiveTests {
    /// The golden solutions are float64 but use a transfer function rounded to float32 (2e-8). Those of the 5×5 Gaussian
    /// and of the bicubic kernel were also computed with the reference's cut of small frequencies, which is worth 1.2e-6
    /// and 3.3e-6 here. The dense solves of `ForwardOperatorTests` hold the operators to 1e-11.
    static let tolerances = [
        ("deblur_gaussian", 2e-6), ("deblur_motion", 1e-7), ("deblur_uniform", 1e-7), ("inpainting", 1e-7),
        ("sr_bicubic_x4", 5e-6), ("sr_gaussian_x4", 1e-7),
    ]

    @Test(arguments: tolerances) func matchesTheExactSolution(name: String, tolerance: Double) throws {
        let golden = try GoldenTensors("sampler/\(name).io.safetensors")
        let scalars = try golden["scalars"].values
        let objective = try ProximalObjective(
            observation: Tensor(golden["y"]), noiseLevel: scalars[4], dataWeight: scalars[3],
            state: Tensor(golden["x_t"]), stateScale: scalars[1].squareRoot(), stateNoiseLevel: scalars[0],
            anchor: Tensor(golden["s"]), stepSize: scalars[2] * scalars[2])
        let solution = try forwardOperator(name, golden).proximalSolution(objective)
        let difference = try largestDifference(solution, golden["exact_f64"].values)
        #expect(difference < tolerance, "\(difference)")
    }

    private func forwardOperator(_ name: String, _ golden: GoldenTensors) throws -> any LinearForwardOperator {
        if name == "inpainting" {
            let mask = try golden["mask"]
            return Inpainting(mask: try Mask(height: 16, width: 16, values: mask.floats))
        }
        let weights = try golden["kernel"]
        let kernel = try BlurKernel(rows: weights.shape[0], columns: weights.shape[1], weights: weights.values)
        return name.hasPrefix("sr")
            ? try SuperResolution(factor: 4, kernel: kernel, height: 16, width: 16)
            : try Deblurring(kernel: kernel, height: 16, width: 16)
    }

    @Test(arguments: 0..<5, [0, -1, .nan, .infinity, 1e-200, 1e200])
    func refusesImpossibleScalars(position: Int, value: Double) throws {
        // √ᾱ enters linearly, so its extremes are harmless.
        if position == 2 && (value == 1e-200 || value == 1e200) { return }
        // A huge σₜ or δ only switches its term off; a huge λ or a tiny one is a legal, if odd, trust.
        if position != 0 && value == 1e200 { return }
        if position == 1 && value == 1e-200 { return }
        // A tiny δ keeps the anchor.
        if position == 4 && value == 1e-200 { return }
        var scalars = [0.05, 1, 0.5, 2, 0.01]
        scalars[position] = value
        let image = try Tensor(shape: [1, 1, 2, 2], repeating: 0)
        let error = thrownError {
            _ = try ProximalObjective(
                observation: image, noiseLevel: scalars[0], dataWeight: scalars[1], state: image,
                stateScale: scalars[2], stateNoiseLevel: scalars[3], anchor: image, stepSize: scalars[4])
        }
        #expect(error?.code == .operatorParameter)
    }

    @Test func refusesShapesThatDoNotFit() throws {
        func objective(_ observation: [Int], _ state: [Int], _ anchor: [Int]) throws -> ProximalObjective {
            try ProximalObjective(
                observation: Tensor(shape: observation, repeating: 0), noiseLevel: 0.1,
                state: Tensor(shape: state, repeating: 0), stateScale: 0.5, stateNoiseLevel: 1,
                anchor: Tensor(shape: anchor, repeating: 0), stepSize: 0.1)
        }
        let mismatch = thrownError { _ = try objective([1, 1, 2, 2], [1, 1, 2, 2], [1, 1, 2, 3]) }
        #expect(mismatch?.code == .operatorShape && mismatch?.location.tensor == "state")

        let kernel = try BlurKernel.uniform(size: 1)
        let mask = try Mask(height: 4, width: 4, kept: Array(repeating: true, count: 16))
        let operators: [(any ForwardOperator, [Int])] = [
            (Inpainting(mask: mask), [1, 1, 4, 4]),
            (try Deblurring(kernel: kernel, height: 4, width: 4), [1, 1, 4, 4]),
            (try SuperResolution(factor: 2, kernel: kernel, height: 4, width: 4), [1, 1, 2, 2]),
        ]
        for (forwardOperator, observation) in operators {
            let wrongState = thrownError {
                _ = try forwardOperator.proximalStep(objective(observation, [1, 3, 4, 4], [1, 3, 4, 4]))
            }
            #expect(wrongState?.code == .operatorShape && wrongState?.location.tensor == "state")
            let wrongObservation = thrownError {
                _ = try forwardOperator.proximalStep(objective([1, 1, 3, 3], [1, 1, 4, 4], [1, 1, 4, 4]))
            }
            #expect(wrongObservation?.code == .operatorShape && wrongObservation?.location.tensor == "observation")
        }
    }
}
