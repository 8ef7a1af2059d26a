/// Half-precision and bfloat16 numbers as bits, converted without branches so that loops over them become SIMD code.
///
/// Swift's `Float16` is missing on Intel Macs and slow without hardware support, and bfloat16 has no type at all
/// (`formats.md` §15.7). Rounding is to nearest, ties to even; a NaN stays a NaN and keeps its sign.
package enum HalfPrecision {
    /// The value of IEEE binary16 bits; exact.
    @inline(__always)
    package static func float(half bits: UInt16) -> Float {
        let magnitude = UInt32(bits & 0x7FFF) << 13
        let sign = UInt32(bits & 0x8000) << 16
        // 112 is the difference of the exponents' biases, 127 − 15.
        let normal = magnitude &+ 112 << 23
        let special = magnitude | 0x7F80_0000
        // With an implied 1 added and taken away again, subtraction normalises; no operand is itself subnormal, so the
        // result is right in whatever mode the processor's floating-point unit is.
        let subnormal = (Float(bitPattern: normal &+ 1 << 23) - Float(bitPattern: 113 << 23)).bitPattern
        let finite = magnitude < 1 << 23 ? subnormal : normal
        return Float(bitPattern: sign | (magnitude >= 0x0F80_0000 ? special : finite))
    }

    /// The value of bfloat16 bits; exact.
    @inline(__always)
    package static func float(bfloat16 bits: UInt16) -> Float {
        Float(bitPattern: UInt32(bits) << 16)
    }

    /// The nearest binary16 bits; magnitudes from 65,520 on become infinity.
    @inline(__always)
    package static func half(_ value: Float) -> UInt16 {
        let magnitude = value.bitPattern & 0x7FFF_FFFF
        let sign = UInt16(truncatingIfNeeded: value.bitPattern >> 16) & 0x8000
        let odd = (magnitude >> 13) & 1
        // 0xC8000000 is −112 in the exponent; adding just under half a unit, or half when odd, rounds ties to even.
        let normal = (magnitude &+ 0xC800_0FFF &+ odd) >> 13
        // Adding ½ lets the processor round at binary16's smallest subnormal, 2^−24.
        let subnormal = (Float(bitPattern: magnitude) + 0.5).bitPattern &- 0x3F00_0000
        let finite = magnitude < 0x3880_0000 ? subnormal : normal
        let infinityOrNaN: UInt32 = magnitude > 0x7F80_0000 ? 0x7E00 | ((magnitude >> 13) & 0x1FF) : 0x7C00
        return sign | UInt16(truncatingIfNeeded: magnitude >= 0x477F_F000 ? infinityOrNaN : finite)
    }

    /// The nearest bfloat16 bits.
    @inline(__always)
    package static func bfloat16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let rounded = bits &+ 0x7FFF &+ ((bits >> 16) & 1)
        let isNaN = bits & 0x7FFF_FFFF > 0x7F80_0000
        return UInt16(truncatingIfNeeded: (isNaN ? bits | 0x0040_0000 : rounded) >> 16)
    }

    /// A single-precision number that rounds to the same half or bfloat16 as `value` does: rounded to odd, so that the
    /// second rounding sees that the first one was not exact.
    @inline(__always)
    package static func oddRounded(_ value: Double) -> Float {
        let nearest = Float(value)
        let back = Double(nearest)
        let bits = nearest.bitPattern
        // One step towards zero where rounding went away from it, then the lowest bit set.
        let truncated = back.magnitude > value.magnitude ? bits &- 1 : bits
        let isExact = back == value || value.isNaN
        return isExact ? nearest : Float(bitPattern: truncated | 1)
    }
}
