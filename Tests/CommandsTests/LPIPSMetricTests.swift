import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// LPIPS from images to a number, next to the original packages on slim trunks.
@Suite struct LPIPSMetricTests {
    struct Case: Sendable {
        let fixture: String
        let configuration: LPIPSConfiguration
    }

    static let cases = [
        Case(fixture: "lpips_slim16", configuration: MetricStores.lpips),
        Case(
            fixture: "lpips_squeeze_slim16",
            configuration: LPIPSConfiguration(
                trunk: .squeezeNet(
                    SqueezeNetConfiguration(
                        stemChannels: 4,
                        fires: [(1, 4), (1, 4), (2, 8), (2, 8), (3, 12), (3, 12), (4, 16), (4, 16)].map {
                            .init(squeeze: $0, expand1x1: $1, expand3x3: $1)
                        })), version: .v0_1)),
    ]

    private func tensor(_ golden: Golden, _ name: String, unit: Bool = false) throws -> Tensor {
        let entry = try golden[name]
        return try Tensor(shape: entry.shape, values: unit ? entry.values.map { ($0 + 1) / 2 } : entry.values)
    }

    private func check(_ found: [Double], _ golden: Golden, _ name: String) throws {
        let expected = try golden[name].values
        try #require(found.count == expected.count)
        for (value, want) in zip(found, expected) { #expect(abs(value - Double(want)) < 3e-5, "\(name)") }
    }

    @Test(arguments: cases.indices)
    func everyConvention(index: Int) throws {
        let (fixture, configuration) = (Self.cases[index].fixture, Self.cases[index].configuration)
        let folder = try TemporaryDirectory()
        let path = folder.path("lpips.ud2w")
        try MetricStores.writeLPIPS(to: path, configuration)
        let golden = try Golden("lpips/\(fixture).io.safetensors")
        let (a, b) = try (tensor(golden, "a"), tensor(golden, "b"))
        let (a01, b01) = try (tensor(golden, "a", unit: true), tensor(golden, "b", unit: true))
        func metric(_ convention: LPIPSDistance.Convention) throws -> LPIPSMetric {
            try LPIPSMetric(store: WeightStore(path: path), convention: convention, threads: 1)
        }
        let lpips = try metric(.lpips)
        try check(lpips.distance(a, b), golden, "lpips")
        try check(lpips.distance(a01, b01, range: .unit), golden, "lpips_normalize_true_on_01")
        try check(lpips.distance(a01, b01), golden, "lpips_01_without_normalize")
        let pyiqa = try metric(.pyiqa)
        try check(pyiqa.distance(a01, b01), golden, "lpips_normalize_true_on_01")
        try check(pyiqa.distance(a, b), golden, "pyiqa_call_with_minus1_1_inputs")
        let torchmetrics = try metric(.torchmetrics)
        try check(torchmetrics.distance(a, b), golden, "torchmetrics")
        try check(torchmetrics.distance(a01, b01, range: .unit), golden, "torchmetrics")
        // torchmetrics refuses what it calls out of range; the others take it.
        #expect(throws: UD2MError.self) { try torchmetrics.distance(a, b, range: .unit) }
        #expect(throws: UD2MError.self) {
            try lpips.distance(a, try tensor(Golden("lpips/vgg16_classifier.io.safetensors"), "x"))
        }
    }

    /// The state dict of torchmetrics' own class gives the number that the class gives.
    @Test func savedByTorchmetrics() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path("lpips.ud2w")
        let result = try BuiltTool("ud2m-convert").run(
            [ToolTest.fixture("lpips/torchmetrics_squeeze_slim16.pth"), path])
        #expect(result.exitCode == 0, "\(result.errorText)")
        let golden = try Golden("lpips/lpips_squeeze_slim16.io.safetensors")
        let metric = try LPIPSMetric(store: WeightStore(path: path), convention: .torchmetrics, threads: 1)
        try check(metric.distance(tensor(golden, "a"), tensor(golden, "b")), golden, "torchmetrics")
    }

    /// Version 0.0 has no scaling layer: it equals 0.1 on images that the layer would have made.
    @Test func versionZeroTakesImagesAsTheyAre() throws {
        let folder = try TemporaryDirectory()
        let golden = try Golden("lpips/lpips_slim16.io.safetensors")
        let a = try tensor(golden, "a")
        let scaled = try tensor(golden, "scaled_a")
        func metric(_ version: LPIPSConfiguration.Version) throws -> LPIPSMetric {
            let path = folder.path("\(version.rawValue).ud2w")
            try MetricStores.writeLPIPS(to: path, LPIPSConfiguration(trunk: MetricStores.lpips.trunk, version: version))
            return try LPIPSMetric(store: WeightStore(path: path), threads: 1)
        }
        let black = try Tensor(shape: a.shape, repeating: -0.03)
        let blackScaled = try Tensor(
            shape: a.shape,
            values: (0..<a.values.count).map { index in
                let channel = index / (a.shape[2] * a.shape[3]) % 3
                return (-0.03 - [-0.030, -0.088, -0.188][channel]) / [0.458, 0.448, 0.450][channel]
            })
        let first = try metric(.v0_1).distance(a, black)
        let zeroth = try metric(.v0_0).distance(scaled, blackScaled)
        for (left, right) in zip(first, zeroth) { #expect(abs(left - right) < 1e-6) }
    }

    @Test func anotherNetworkIsRefused() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path("inception.ud2w")
        try MetricStores.writeInception(to: path)
        let error = #expect(throws: UD2MError.self) { try LPIPSMetric(store: WeightStore(path: path)) }
        #expect(error?.code == .networkConfiguration)
        #expect(error?.location.file == path)
    }
}
