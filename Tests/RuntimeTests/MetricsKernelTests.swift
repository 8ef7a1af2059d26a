import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

@Suite struct MetricsKernelTests {
    /// The value that torchmetrics and torch-fidelity give for the stored features, both sets whole.
    @Test func agreesWithTorchmetrics() throws {
        let golden = try Golden("inception/pipelines.io.safetensors")
        let (a, b) = try (golden["kid_feats_a"], golden["kid_feats_b"])
        let sets = try [a, b].map { try Tensor(shape: $0.shape, values: $0.values) }
        let expected = Double(try golden["kid_value_f64"].values[0])
        let found = try KernelDistance(subsets: 3, subsetSize: a.shape[0]).distance(sets[0], sets[1])
        #expect(abs(found.mean - expected) < 1e-6)
        #expect(found.deviation == 0)
        #expect(abs(try KernelDistance.discrepancy(sets[0], sets[1]) - expected) < 1e-6)
    }

    /// Sets of different sizes, against the sums of the definition.
    @Test func discrepancyFollowsItsDefinition() throws {
        let (m, n, d) = (9, 13, 6)
        let a = try MetricsFrechetTests.features("a", m, d)
        let b = try MetricsFrechetTests.features("b", n, d, offset: 0.3)
        func kernel(_ x: Tensor, _ i: Int, _ y: Tensor, _ j: Int) -> Double {
            let product = (0..<d).reduce(0.0) { $0 + Double(x.values[i * d + $1]) * Double(y.values[j * d + $1]) }
            let base = product / Double(d) + 1
            return base * base * base
        }
        var (within, other, between) = (0.0, 0.0, 0.0)
        for i in 0..<m { for j in 0..<m where i != j { within += kernel(a, i, a, j) } }
        for i in 0..<n { for j in 0..<n where i != j { other += kernel(b, i, b, j) } }
        for i in 0..<m { for j in 0..<n { between += kernel(a, i, b, j) } }
        let expected =
            within / Double(m * (m - 1)) + other / Double(n * (n - 1)) - 2 * between / Double(m * n)
        #expect(abs(try KernelDistance.discrepancy(a, b) - expected) < 1e-12)
    }

    @Test func subsetsDependOnTheSeedOnly() throws {
        let a = try MetricsFrechetTests.features("a", 60, 4)
        let b = try MetricsFrechetTests.features("b", 50, 4, offset: 0.5)
        func value(_ seed: UInt64) throws -> KernelDistance.Value {
            try KernelDistance(subsets: 40, subsetSize: 20, seed: seed).distance(a, b)
        }
        let first = try value(1)
        #expect(try value(1) == first)
        #expect(try value(2) != first)
        #expect(first.deviation > 0)
        // The estimate is unbiased: its mean is near the value of the whole sets.
        let whole = try KernelDistance.discrepancy(a, b)
        #expect(abs(first.mean - whole) < 4 * first.deviation / (40.0).squareRoot())
    }

    @Test func unfitSetsAreRefused() throws {
        func code(_ body: () throws -> Void) -> UD2MError.Code? {
            #expect(throws: UD2MError.self) { try body() }?.code
        }
        let a = try MetricsFrechetTests.features("a", 6, 4)
        let b = try MetricsFrechetTests.features("b", 6, 3)
        #expect(code { _ = try KernelDistance(subsetSize: 7).distance(a, a) } == .featureCount)
        #expect(code { _ = try KernelDistance(subsetSize: 6).distance(a, b) } == .featureCount)
        #expect(code { _ = try KernelDistance(subsetSize: 1).distance(a, a) } == .inputRange)
        #expect(code { _ = try KernelDistance(subsets: 0, subsetSize: 2).distance(a, a) } == .inputRange)
        let broken = try Tensor(shape: [2, 1], values: [1, .infinity])
        #expect(code { _ = try KernelDistance.discrepancy(broken, broken) } == .featureNotFinite)
    }
}
