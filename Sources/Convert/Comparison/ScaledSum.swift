#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A power of two that brings numbers near 1, so that their squares neither overflow nor vanish.
struct NumberScale {
    /// The exponent of the largest number; numbers are multiplied by 2 to the opposite of it.
    let exponent: Int
    /// What to multiply by.
    let factor: Double

    /// The scale for numbers of at most this magnitude, which may be infinite where a distance overflowed.
    init(largest: Double) {
        // Below the smallest the factor itself would overflow; such numbers are near enough to 1 then.
        exponent = largest == 0 ? Self.smallest : max(largest.isFinite ? Int(largest.exponent) : 1024, Self.smallest)
        factor = scalbn(1, Int32(-exponent))
    }

    /// The exponent of the scale for zeros.
    static let smallest = -1000
}

/// A sum of products of any magnitude: `scaled · 2^exponent`.
struct ScaledSum {
    private(set) var scaled = 0.0
    private(set) var exponent = 0

    /// Adds `value · 2^exponent`.
    mutating func add(_ value: Double, exponent other: Int) {
        guard value != 0 else { return }
        guard scaled != 0, exponent >= other else {
            scaled = scalbn(scaled, Int32(exponent - other)) + value
            exponent = other
            return
        }
        scaled += scalbn(value, Int32(other - exponent))
    }
}
