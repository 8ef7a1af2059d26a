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
        #expect(try TensorStatistics(of: TensorSource("t", [0, 0, 0], .f6e2m3, shape: [4])) == nil)
    }

    @Test("4-bit numbers are read, two a byte, over several blocks")
    func fourBits() throws {
        // 6, -0.5 in every byte, more elements than a block has.
        let tensor = TensorSource("t", [UInt8](repeating: 0x97, count: 50_000), .f4, shape: [25_000, 4])
        let result = try #require(try TensorStatistics(of: tensor))
        #expect(result.count == 100_000 && result.minimum == -0.5 && result.maximum == 6 && result.mean == 2.75)
        #expect(result.standardDeviation == 3.25)
        let other = TensorSource("t", [UInt8](repeating: 0x17, count: 50_000), .f4, shape: [25_000, 4])
        let difference = try TensorDifference(tensor, other)
        #expect(difference.maximumDistance == 1 && difference.differingCount == 50_000)
    }

    @Test("moments of huge and of tiny numbers are finite and right", arguments: [0x1p1020, 1, 0x1p-1000, 0x1p-540])
    func magnitudes(_ unit: Double) throws {
        let result = try #require(
            try TensorStatistics(of: TensorSource("t", doubles: [1, 2, 3, -6].map { $0 * unit })))
        #expect(result.mean == 0)
        #expect(result.standardDeviation == 12.5.squareRoot() * unit)
        let (a, b) = ([3, 0, 4].map { $0 * unit }, [3, 0.5, 4].map { $0 * unit })
        let difference = try TensorDifference(TensorSource("t", doubles: a), TensorSource("t", doubles: b))
        #expect(difference.relativeL2 == 0.1)
        #expect(abs(try #require(difference.cosine) - 25 / (5 * 25.25.squareRoot())) < 1e-15)
    }

    @Test("the largest finite numbers have moments, and a distance beyond any number is infinite")
    func extremes() throws {
        let most = Double.greatestFiniteMagnitude
        let result = try #require(try TensorStatistics(of: TensorSource("t", doubles: [most, -most])))
        #expect(result.mean == 0 && result.standardDeviation == most)
        let same = try #require(try TensorStatistics(of: TensorSource("t", doubles: [most, most, most])))
        #expect(same.mean == most && same.standardDeviation == 0)
        let difference = try TensorDifference(
            TensorSource("t", doubles: [most, 1]), TensorSource("t", doubles: [-most, 1]))
        #expect(difference.maximumDistance == .infinity && difference.differingCount == 1)
        #expect(difference.relativeL2 == 2 && difference.cosine == -1)
        // A block of small numbers before a block of huge ones: the scale changes on the way.
        let mixed = [Double](repeating: 1, count: 1 << 16) + [0x1p1000, -0x1p1000]
        let moments = try #require(try TensorStatistics(of: TensorSource("t", doubles: mixed)))
        #expect(try #require(moments.standardDeviation).isFinite)
        #expect(
            abs(try #require(moments.standardDeviation) / 0x1p1000 - (2 / Double(mixed.count)).squareRoot()) < 1e-12)
    }

    @Test(
        "64-bit integers are compared to the last bit, with each other and with floating point",
        arguments: [
            (1 << 53, 1 << 53 + 1, 1.0), (Int.max, Int.max - 1, 1), (Int.min, Int.min + 3, 3), (-1, -1, 0),
            (Int.min, Int.max, 0x1p64),
        ] as [(Int, Int, Double)])
    func integers(_ a: Int, _ b: Int, _ distance: Double) throws {
        for (left, right) in [(a, b), (b, a)] {
            let result = try TensorDifference(
                TensorSource("t", integers: [0, left]), .init("t", integers: [0, right]))
            #expect(result.maximumDistance == distance)
            #expect(result.isEqual(tolerance: 0) == (a == b))
            #expect(result.differingCount == (a == b ? 0 : 1))
        }
        let unsigned = try TensorDifference(
            TensorSource("t", integers: [a], .u64), TensorSource("t", integers: [b], .u64))
        #expect(unsigned.isEqual(tolerance: 0) == (a == b))
        let float = try TensorDifference(TensorSource("t", integers: [a]), .init("t", doubles: [Double(a)]))
        #expect(float.isEqual(tolerance: 0) == (Int(exactly: Double(a)) == a))
    }

    @Test("integers that stand for other numbers are not equal")
    func quantised() throws {
        var a = TensorSource("t", [1, 2], .i8, shape: [2])
        a.torchType = "qint8"
        a.quantisation = .init(scheme: "per_tensor_affine", scale: 0.5, zeroPoint: 0)
        var b = a
        #expect(try TensorDifference(a, b).isIdentical)
        b.quantisation?.scale = 0.25
        #expect(try !TensorDifference(a, b).isEqual(tolerance: .infinity))
    }

    @Test("bits without a value have no moments; PyTorch's half complex numbers do")
    func torchTypes() throws {
        var bits = TensorSource("t", [1, 2, 3, 4], .u32, shape: [1])
        bits.torchType = "bits16"
        #expect(try TensorStatistics(of: bits) == nil)
        var half = TensorSource("t", [0x00, 0x3C, 0x00, 0xC0], .u32, shape: [1])
        half.torchType = "complex32"
        let result = try #require(try TensorStatistics(of: half))
        #expect(result.count == 2 && result.minimum == -2 && result.maximum == 1)
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
        #expect(finite.relativeL2 == .infinity && finite.cosine == nil)
    }

    @Test("6-bit types are compared as bytes")
    func packed() throws {
        let a = TensorSource("t", [1, 2, 3], .f6e2m3, shape: [4])
        #expect(try TensorDifference(a, TensorSource("t", [1, 2, 3], .f6e2m3, shape: [4])).isIdentical)
        let other = try TensorDifference(a, TensorSource("t", [1, 2, 4], .f6e2m3, shape: [4]))
        #expect(!other.isIdentical && !other.isNumeric && !other.isEqual(tolerance: .infinity))
    }
}
