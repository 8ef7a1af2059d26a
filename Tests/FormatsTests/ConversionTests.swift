import Testing
import UD2MFormats

/// The definitions of the number formats, written with double arithmetic and no bit tricks.
private enum Definition {
    /// The value of a small floating-point number: sign, `exponentBits` and `fractionBits`.
    static func value(_ bits: UInt16, exponentBits: Int, fractionBits: Int) -> Double {
        let sign: Double = bits >> 15 == 1 ? -1 : 1
        let exponent = Int(bits >> UInt16(fractionBits)) & ((1 << exponentBits) - 1)
        let fraction = Double(Int(bits) & ((1 << fractionBits) - 1)) / Double(1 << fractionBits)
        let bias = (1 << (exponentBits - 1)) - 1
        if exponent == (1 << exponentBits) - 1 { return fraction == 0 ? sign * .infinity : .nan }
        if exponent == 0 { return sign * fraction * Double(sign: .plus, exponent: 1 - bias, significand: 1) }
        return sign * (1 + fraction) * Double(sign: .plus, exponent: exponent - bias, significand: 1)
    }

    /// The nearest finite pattern to a finite value, ties to even, found by bisection over the ordered magnitudes;
    /// the pattern after the largest is infinity, which stands for the next power of two.
    static func nearest(_ value: Double, exponentBits: Int, fractionBits: Int) -> UInt16 {
        let infinity = UInt16((1 << exponentBits) - 1) << UInt16(fractionBits)
        func magnitude(_ bits: UInt16) -> Double {
            guard bits != infinity else {
                return Double(sign: .plus, exponent: 1 << (exponentBits - 1), significand: 1)
            }
            return Definition.value(bits, exponentBits: exponentBits, fractionBits: fractionBits)
        }
        let target = value.magnitude
        var (low, high) = (UInt16(0), infinity)
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if magnitude(middle) <= target { low = middle } else { high = middle }
        }
        let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
        let (below, above) = (target - magnitude(low), magnitude(high) - target)
        if above <= 0 { return sign | high }
        if below != above { return sign | (below < above ? low : high) }
        return sign | (low % 2 == 0 ? low : high)
    }
}

@Suite struct ConversionTests {
    /// Doubles from all over: every exponent of single precision and beyond, and halfway cases of 16-bit formats.
    static func doubles(seed: UInt64, count: Int) -> [Double] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { index in
            switch index % 4 {
            case 0: Double(Float(bitPattern: UInt32.random(in: 0..<0x7F80_0000, using: &random)))
            case 1:
                Double(Float(bitPattern: UInt32.random(in: 0x3300_0000...0x4780_0000, using: &random) & 0xFFFF_F000))
            case 2: -Double(Float(bitPattern: UInt32.random(in: 0..<0x7F80_0000, using: &random) & 0xFFFF_8000))
            default:
                Double(
                    sign: .minus, exponent: Int.random(in: -160...140, using: &random),
                    significand: Double.random(in: 1..<2, using: &random))
            }
        }
    }

    static func convert<Source, Target>(
        _ values: [Source], _ type: ElementType, to target: ElementType, as _: Target.Type, offset: Int = 0
    ) throws -> (values: [Target], loss: ConversionLoss) {
        // Shifted by `offset` bytes to try unaligned sources.
        let bytes = [UInt8](repeating: 0xAA, count: offset) + values.withUnsafeBytes { Array($0) }
        var loss = ConversionLoss()
        let out = try [Target](unsafeUninitializedCapacity: values.count) { buffer, count in
            try bytes.withUnsafeBytes { source in
                let room = UnsafeMutableBufferPointer(rebasing: buffer[..<values.count])
                try type.convert(
                    UnsafeRawBufferPointer(rebasing: source[offset...]), to: target, into: .init(room), loss: &loss)
            }
            count = values.count
        }
        return (out, loss)
    }

    @Test(arguments: [(ElementType.f16, 5, 10), (.bf16, 8, 7)])
    func everySixteenBitPatternWidensExactly(type: ElementType, exponentBits: Int, fractionBits: Int) throws {
        let patterns = (0...UInt16.max).map { $0 }
        let singles = try Self.convert(patterns, type, to: .f32, as: Float.self, offset: 1).values
        let doubles = try Self.convert(patterns, type, to: .f64, as: Double.self).values
        for bits in patterns {
            let expected = Definition.value(bits, exponentBits: exponentBits, fractionBits: fractionBits)
            let (single, double) = (singles[Int(bits)], doubles[Int(bits)])
            let isRight =
                expected.isNaN
                ? single.isNaN && double.isNaN
                : Double(single) == expected && double == expected && single.sign == expected.sign
            #expect(isRight, "pattern \(bits)")
        }
        // And back: narrowing what was widened gives the pattern again.
        let back = try Self.convert(singles, .f32, to: type, as: UInt16.self)
        let quiet: UInt16 = type == .f16 ? 0x0200 : 0x0040
        for bits in patterns where back.values[Int(bits)] != bits {
            #expect(singles[Int(bits)].isNaN && back.values[Int(bits)] == bits | quiet, "pattern \(bits)")
        }
        #expect(back.loss == ConversionLoss())
    }

    @Test(arguments: [(ElementType.f16, 5, 10), (.bf16, 8, 7)])
    func narrowingRoundsToNearestEven(type: ElementType, exponentBits: Int, fractionBits: Int) throws {
        let doubles = Self.doubles(seed: 7, count: 40_000)
        let singles = doubles.map { Float($0) }.filter(\.isFinite)
        let infinity = UInt16((1 << exponentBits) - 1) << UInt16(fractionBits)
        func check(_ values: [Double], _ result: (values: [UInt16], loss: ConversionLoss)) -> Int {
            var overflows = 0
            for (value, bits) in zip(values, result.values) {
                let expected = Definition.nearest(value, exponentBits: exponentBits, fractionBits: fractionBits)
                #expect(bits == expected, "\(value)")
                if expected & 0x7FFF == infinity { overflows += 1 }
            }
            #expect(result.loss.overflows == overflows)
            return overflows
        }
        _ = check(singles.map { Double($0) }, try Self.convert(singles, .f32, to: type, as: UInt16.self, offset: 3))
        // Straight from double: rounding twice would differ where the first rounding lands on a tie.
        let overflows = check(doubles, try Self.convert(doubles, .f64, to: type, as: UInt16.self, offset: 5))
        #expect(overflows > 0)
    }

    @Test func specialValues() throws {
        let specials: [Float] = [
            .infinity, -.infinity, .nan, -0.0, 65519.996, 65520, -65520, 0x1p-24, 0x1p-25, 0x1.8p-25,
        ]
        let half = try Self.convert(specials, .f32, to: .f16, as: UInt16.self)
        #expect(half.values == [0x7C00, 0xFC00, 0x7E00, 0x8000, 0x7BFF, 0x7C00, 0xFC00, 1, 0, 1])
        #expect(half.loss.overflows == 2)
        let wide: [Double] = [1e39, -1e39, .infinity, .nan, 1e-50, Double(Float.greatestFiniteMagnitude)]
        let single = try Self.convert(wide, .f64, to: .f32, as: Float.self)
        #expect(single.values[0] == .infinity && single.values[1] == -.infinity && single.values[3].isNaN)
        #expect(single.loss.overflows == 2)
        let brain = try Self.convert(wide, .f64, to: .bf16, as: UInt16.self)
        #expect(brain.values == [0x7F80, 0xFF80, 0x7F80, 0x7FC0, 0, 0x7F80])
        #expect(brain.loss.overflows == 3)
        // 1 + 2⁻¹¹ is a tie between halves; a little more, lost in single precision, must round up.
        let tie = try Self.convert([1 + 0x1p-11, 1 + 0x1p-11 + 0x1p-40], .f64, to: .f16, as: UInt16.self)
        #expect(tie.values == [0x3C00, 0x3C01])
    }

    @Test func integersAndBooleans() throws {
        #expect(
            try Self.convert([Int64.min, -1, 1 << 60], .i64, to: .f32, as: Float.self).values == [-0x1p63, -1, 0x1p60])
        #expect(try Self.convert([UInt64.max, 3], .u64, to: .f32, as: Float.self).values == [0x1p64, 3])
        #expect(try Self.convert([Int32.min, 5], .i32, to: .f32, as: Float.self, offset: 1).values == [-0x1p31, 5])
        #expect(try Self.convert([UInt32.max], .u32, to: .f32, as: Float.self).values == [0x1p32])
        #expect(try Self.convert([Int16(-3)], .i16, to: .f32, as: Float.self).values == [-3])
        #expect(try Self.convert([UInt16(65535)], .u16, to: .f32, as: Float.self).values == [65535])
        #expect(try Self.convert([Int8(-128)], .i8, to: .f32, as: Float.self).values == [-128])
        #expect(try Self.convert([UInt8(255)], .u8, to: .f32, as: Float.self).values == [255])
        #expect(try Self.convert([UInt8(0), 1, 7], .bool, to: .f32, as: Float.self).values == [0, 1, 1])
        let booleans = try Self.convert([UInt8(0), 1, 7, 255], .bool, to: .bool, as: UInt8.self)
        #expect(booleans.values == [0, 1, 1, 1] && booleans.loss.normalizedBooleans == 2)
    }

    @Test(arguments: [(ElementType.f32, ElementType.i32), (.i64, .f16), (.c64, .f32), (.f8e4m3, .f32), (.f4, .f32)])
    func refuses(from: ElementType, to: ElementType) {
        expectError(.conversionUnsupported) { _ = try Self.convert([UInt64(0)], from, to: to, as: UInt32.self) }
    }

    @Test func refusesBuffersThatDoNotFit() {
        expectError(.conversionSize) { _ = try Self.convert([UInt8(0)], .f32, to: .f16, as: UInt16.self) }
        expectError(.conversionSize) { _ = try Self.convert([Float(0)], .f32, to: .f32, as: Double.self) }
    }
}
