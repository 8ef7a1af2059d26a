import Testing
import UD2MConvert
import UD2MFormats

@Suite("Statistics and differences of tensors")
struct ComparisonTests {
    @Test("moments over several blocks are those of the whole")
    func statistics() throws {
        // An offset much larger than the spread: the sum of squares alone would lose it.
        let floats = (0..<200_000).map { Float(4096) + Float($0 % 1000) / 1024 }
        let result = try #require(try TensorStatistics(of: TensorSource("t", floats, shape: [2, 1000, 100])))
        let mean = floats.reduce(0.0) { $0 + Double($1) } / Double(floats.count)
        let variance = floats.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(floats.count)
        #expect(result.count == floats.count)
        #expect(result.minimum == 4096)
        #expect(result.maximum == Double(floats.max() ?? 0))
        // Rounding of 2·10⁵ additions in double precision stays far below these.
        #expect(abs(try #require(result.mean) - mean) < 1e-9)
        #expect(abs(try #require(result.standardDeviation) - variance.squareRoot()) < 1e-9)
    }

    @Test("NaNs, infinities and zeros are counted and kept out of the moments")
    func specialNumbers() throws {
        let floats: [Float] = [1, 3, .nan, .infinity, -.infinity, 0, -0.0]
        let result = try #require(try TensorStatistics(of: TensorSource("t", floats)))
        #expect(result.nanCount == 1 && result.infinityCount == 2 && result.zeroCount == 2)
        #expect(result.minimum == 0 && result.maximum == 3 && result.mean == 1)
        #expect(result.standardDeviation == 1.5.squareRoot())
        let empty = try #require(try TensorStatistics(of: TensorSource("t", [])))
        #expect(empty.minimum == nil && empty.mean == nil && empty.standardDeviation == nil)
        #expect(try TensorStatistics(of: TensorSource("t", [0x12], .f4, shape: [2])) == nil)
    }

    @Test("a difference is measured by its largest distance, relative L2 and cosine")
    func difference() throws {
        let a = TensorSource("t", [3, 0, 4])
        let b = TensorSource("t", [3, 0.5, 4])
        let result = try TensorDifference(a, b)
        #expect(!result.isIdentical && result.differingCount == 1 && result.count == 3)
        #expect(result.maximumDistance == 0.5)
        #expect(result.relativeL2 == 0.1)
        #expect(abs(try #require(result.cosine) - 25 / (5 * 25.25.squareRoot())) < 1e-15)
        #expect(result.isEqual(tolerance: 0.5) && !result.isEqual(tolerance: 0.49))
    }

    @Test("the same numbers in another type are equal, not identical")
    func types() throws {
        let half = TensorSource("t", [0x00, 0x3C, 0x00, 0xC0], .f16, shape: [2])
        let result = try TensorDifference(TensorSource("t", [1, -2]), half)
        #expect(!result.isIdentical && result.differingCount == 0 && result.isEqual(tolerance: 0))
        #expect(result.cosine == 1)
    }

    @Test("NaN equals NaN and nothing else; infinity equals itself")
    func nonFinite() throws {
        let a = TensorSource("t", [.nan, .infinity, 1])
        let same = try TensorDifference(a, TensorSource("t", [-.nan, .infinity, 1]))
        #expect(same.isEqual(tolerance: 0) && same.differingCount == 0)
        let lost = try TensorDifference(a, TensorSource("t", [0, .infinity, 1]))
        #expect(lost.nanMismatchCount == 1 && !lost.isEqual(tolerance: .infinity))
        let finite = try TensorDifference(a, TensorSource("t", [.nan, 7, 1]))
        #expect(finite.maximumDistance == .infinity && !finite.isEqual(tolerance: 1e300))
    }

    @Test("packed types are compared as bytes")
    func packed() throws {
        let a = TensorSource("t", [0x12], .f4, shape: [2])
        #expect(try TensorDifference(a, TensorSource("t", [0x12], .f4, shape: [2])).isIdentical)
        let other = try TensorDifference(a, TensorSource("t", [0x13], .f4, shape: [2]))
        #expect(!other.isIdentical && !other.isNumeric && !other.isEqual(tolerance: .infinity))
    }
}
