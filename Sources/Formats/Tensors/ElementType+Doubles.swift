#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

extension ElementType {
    /// Numbers that one element stands for when it is read as ``doubles(_:into:)`` does, or nil when it is not: two for
    /// complex types, none for those of 6 bits, whose packing into bytes no format defines.
    package var numbersPerElement: Int? {
        switch self {
        case .c64, .c128: 2
        case .f6e2m3, .f6e3m2: nil
        default: 1
        }
    }

    /// Reads little-endian elements, at any alignment, as double precision; 64-bit integers are rounded to nearest.
    ///
    /// Real and imaginary parts follow each other. Of two 4-bit elements in a byte, the first has the low bits, as in
    /// PyTorch's `float4_e2m1fn_x2`.
    /// - Parameters:
    ///   - bytes: Whole elements of this type.
    ///   - target: Room for the numbers.
    /// - Returns: How many numbers were written, or nil for a 6-bit type or a target that is too small.
    package func doubles(
        _ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<Double>
    ) -> Int? {
        guard let parts = numbersPerElement, let out = target.baseAddress else { return nil }
        let count = bytes.count * 8 / bitWidth * parts
        guard count <= target.count else { return nil }
        guard let from = bytes.baseAddress else { return 0 }
        @inline(__always)
        func fill<Bits: FixedWidthInteger>(_ value: (Bits) -> Double) {
            for index in 0..<count {
                let bits = from.loadUnaligned(fromByteOffset: index * MemoryLayout<Bits>.size, as: Bits.self)
                out[index] = value(Bits(littleEndian: bits))
            }
        }
        switch self {
        case .f64, .c128: fill { (bits: UInt64) in Double(bitPattern: bits) }
        case .f32, .c64: fill { (bits: UInt32) in Double(Float(bitPattern: bits)) }
        case .f16: fill { (bits: UInt16) in Double(HalfPrecision.float(half: bits)) }
        case .bf16: fill { (bits: UInt16) in Double(HalfPrecision.float(bfloat16: bits)) }
        case .i64: fill { (value: Int64) in Double(value) }
        case .i32: fill { (value: Int32) in Double(value) }
        case .i16: fill { (value: Int16) in Double(value) }
        case .i8: fill { (value: Int8) in Double(value) }
        case .u64: fill { (value: UInt64) in Double(value) }
        case .u32: fill { (value: UInt32) in Double(value) }
        case .u16: fill { (value: UInt16) in Double(value) }
        case .u8: fill { (value: UInt8) in Double(value) }
        case .bool: fill { (value: UInt8) in value == 0 ? 0 : 1 }
        case .f8e5m2: fill { (bits: UInt8) in Double(HalfPrecision.float(half: UInt16(bits) << 8)) }
        case .f8e4m3, .f8e4m3fnuz, .f8e5m2fnuz, .f8e8m0:
            let table = (0...255).map { eightBitValue(UInt8($0)) }
            fill { (bits: UInt8) in table[Int(bits)] }
        case .f4:
            for index in 0..<count {
                let byte = from.load(fromByteOffset: index / 2, as: UInt8.self)
                out[index] = Self.fourBitValues[Int(index % 2 == 0 ? byte & 0xF : byte >> 4)]
            }
        case .f6e2m3, .f6e3m2: return nil
        }
        return count
    }

    /// What 64-bit integers lose to the rounding of ``doubles(_:into:)``: added to those, the integers are exact.
    /// - Parameters:
    ///   - bytes: Whole elements of this type.
    ///   - target: Room for a number an element.
    /// - Returns: Whether this is such a type and the numbers were written.
    package func remainders(
        _ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<Double>
    ) -> Bool {
        let count = bytes.count / 8
        guard self == .i64 || self == .u64, count <= target.count else { return false }
        for index in 0..<count {
            let bits = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
            // The nearest double may be one beyond the largest integer; both differences are right modulo 2^64.
            let nearest = self == .u64 ? Double(bits) : Double(Int64(bitPattern: bits))
            let whole =
                self == .u64
                ? (nearest >= 0x1p64 ? 0 : UInt64(nearest))
                : (nearest >= 0x1p63 ? 1 << 63 : UInt64(bitPattern: Int64(nearest)))
            target[index] = Double(Int64(bitPattern: bits &- whole))
        }
        return true
    }

    /// The values of E2M1 by their bits.
    private static let fourBitValues: [Double] = [
        0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6,
    ]

    /// The value of an 8-bit floating-point number (OCP 8-bit floating point; `fnuz` after Graphcore and AMD).
    private func eightBitValue(_ bits: UInt8) -> Double {
        let magnitude = Int(bits & 0x7F)
        let sign: Double = bits & 0x80 == 0 ? 1 : -1
        func value(mantissaBits: Int, bias: Int) -> Double {
            let exponent = magnitude >> mantissaBits
            let mantissa = Double(magnitude & (1 << mantissaBits - 1)) / Double(1 << mantissaBits)
            return exponent == 0
                ? sign * ldexp(mantissa, Int32(1 - bias)) : sign * ldexp(1 + mantissa, Int32(exponent - bias))
        }
        switch self {
        case .f8e4m3: return magnitude == 0x7F ? .nan : value(mantissaBits: 3, bias: 7)
        // These have one zero and one NaN, spelled as negative zero.
        case .f8e4m3fnuz: return bits == 0x80 ? .nan : value(mantissaBits: 3, bias: 8)
        case .f8e5m2fnuz: return bits == 0x80 ? .nan : value(mantissaBits: 2, bias: 16)
        // Scales: powers of two without sign.
        case .f8e8m0: return bits == 0xFF ? .nan : ldexp(1, Int32(bits) - 127)
        default: return .nan
        }
    }
}
