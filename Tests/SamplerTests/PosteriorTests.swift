import Testing
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// What samples say together.
@Suite("the posterior") struct PosteriorTests {
    @Test("mean, deviation, quantiles and coverage are those of the samples")
    func statistics() throws {
        var statistics = try PosteriorStatistics(shape: [1, 1, 1, 2], keepsSamples: true)
        #expect(throws: UD2MError.self) { _ = try statistics.mean() }
        for value: Float in [3, 1, 2, 6] {
            try statistics.add(Tensor(shape: [1, 1, 1, 2], values: [value, 1000 + value]))
        }
        #expect(try statistics.mean().values == [3, 1003])
        let deviation = Float((14.0 / 3).squareRoot())
        #expect(try statistics.standardDeviation().values.allSatisfy { abs($0 - deviation) < 1e-6 })
        // What numpy.quantile([1, 2, 3, 6], q) gives.
        for (probability, expected): (Double, Float) in [(0, 1), (0.25, 1.75), (0.5, 2.5), (0.9, 5.1), (1, 6)] {
            #expect(abs(try statistics.quantile(probability).values[0] - expected) < 1e-5)
        }
        #expect(statistics.last?.values == [6, 1006])
        let inside = try Tensor(shape: [1, 1, 1, 2], values: [2, 2000])
        #expect(try statistics.covers(inside, level: 0.5).count { $0 } == inside.values.count / 2)
        #expect(throws: UD2MError.self) { _ = try statistics.quantile(1.5) }
        let narrow = try PosteriorStatistics(shape: [1])
        #expect(throws: UD2MError.self) { _ = try narrow.quantile(0.5) }
    }
}
