import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

@Suite struct MetricsLPIPSTests {
    private static func tensor(_ golden: Golden, _ name: String) throws -> Tensor {
        let entry = try golden[name]
        return try Tensor(shape: entry.shape, values: entry.values)
    }

    /// Published linear weights on features of full width.
    @Test(arguments: [("vgg", 5), ("squeeze", 7)])
    func publishedWeights(trunk: String, taps: Int) throws {
        let golden = try Golden("lpips/real_lin_v01_\(trunk).io.safetensors")
        let weights = try (0..<taps).map { try golden["w\($0)"].values }
        let distance = try LPIPSDistance(weights: weights)
        let (a, b) = try (
            (0..<taps).map { try Self.tensor(golden, "f0_\($0)") },
            (0..<taps).map { try Self.tensor(golden, "f1_\($0)") }
        )
        for index in 0..<taps {
            let found = try distance.layerDistance(a[index], b[index], weights: weights[index])
            #expect(abs(found[0] - Double(try golden["res\(index)"].values[0])) < 1e-6)
        }
        let total = try distance.distance(a, b)
        #expect(abs(total[0] - Double(try golden["total"].values[0])) < 3e-6)
    }

    /// One position and two channels, by hand: torchmetrics keeps small vectors small, lpips makes them unit.
    @Test func conventionsDifferWhereFeaturesAreSmall() throws {
        let a = try Tensor(shape: [1, 2, 1, 1], values: [1e-4, 0])
        let b = try Tensor(shape: [1, 2, 1, 1], values: [0, 0])
        func value(_ convention: LPIPSDistance.Convention) throws -> Double {
            try LPIPSDistance(weights: [[0.5, 2]], convention: convention).distance([a], [b])[0]
        }
        #expect(abs(try value(.lpips) - 0.5) < 1e-5)
        #expect(try value(.pyiqa) == value(.lpips))
        // (1e-4)² / (1e-8 + (1e-4)²) = 1/2.
        #expect(abs(try value(.torchmetrics) - 0.25) < 1e-6)
    }

    @Test func unfitActivationsAreRefused() throws {
        func code(_ body: () throws -> Void) -> UD2MError.Code? {
            #expect(throws: UD2MError.self) { try body() }?.code
        }
        let two = try Tensor(shape: [1, 2, 1, 1], values: [1, 2])
        let three = try Tensor(shape: [1, 3, 1, 1], values: [1, 2, 3])
        let distance = try LPIPSDistance(weights: [[1, 1]])
        #expect(code { _ = try LPIPSDistance(weights: []) } == .weightShape)
        #expect(code { _ = try distance.distance([], []) } == .tensorShape)
        #expect(code { _ = try distance.distance([two], [three]) } == .tensorShape)
        #expect(code { _ = try distance.distance([three], [three]) } == .tensorShape)
    }
}
