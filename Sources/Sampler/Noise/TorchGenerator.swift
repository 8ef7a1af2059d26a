#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// PyTorch's generator on the CPU: what `torch.manual_seed`, `torch.rand` and `torch.randn` give, bit for bit.
///
/// Checked against PyTorch 2.15, whose AVX2 and AVX-512 code agree; its code without either differs by up to 2·10⁻⁶,
/// since it has a logarithm of its own.
struct TorchGenerator: Sendable {
    private var twister: MersenneTwister
    /// The sine half of the last pair that a short draw made.
    private var spare: Double?

    /// What `torch.manual_seed(seed)` leaves.
    init(seed: UInt64) { twister = MersenneTwister(seed: seed) }

    /// `torch.rand(count)`: 24 random bits each.
    mutating func uniforms(_ count: Int) -> [Float] {
        (0..<count).map { _ in Float(twister.next() & 0xFF_FFFF) * 0x1p-24 }
    }

    /// `torch.randn(count)`: two ways, for fewer than 16 values and for more.
    mutating func normals(_ count: Int) -> [Float] {
        guard count >= 16 else { return (0..<count).map { _ in Float(doubleNormal()) } }
        var values = uniforms(count)
        for start in stride(from: 0, through: count - 16, by: 16) { Self.transform(&values, start) }
        if count % 16 != 0 {
            // The last sixteen are drawn anew, those that were finished already among them.
            values.replaceSubrange(count - 16..<count, with: uniforms(16))
            Self.transform(&values, count - 16)
        }
        return values
    }

    /// 2π to the nearest; `Float.pi` is rounded down.
    private static let turn: Float = 6.283185307179586

    /// Turns sixteen uniform values into normal ones: radii from the first eight, angles from the others.
    private static func transform(_ values: inout [Float], _ start: Int) {
        for index in start..<start + 8 {
            let radius = (-2 * TorchMath.log(1 - values[index])).squareRoot()
            let (sine, cosine) = TorchMath.sineAndCosine(turn * values[index + 8])
            values[index] = radius * cosine
            values[index + 8] = radius * sine
        }
    }

    private mutating func doubleNormal() -> Double {
        if let spare {
            self.spare = nil
            return spare
        }
        let angle = 2 * Double.pi * doubleUniform()
        let radius = (-2 * log1p(-doubleUniform())).squareRoot()
        spare = radius * sin(angle)
        return radius * cos(angle)
    }

    private mutating func doubleUniform() -> Double {
        let high = UInt64(twister.next())
        let bits = (high << 32 | UInt64(twister.next())) & (1 << 53 - 1)
        return Double(bits) * 0x1p-53
    }
}
