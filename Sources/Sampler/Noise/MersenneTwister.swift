/// The generator MT19937 (Matsumoto and Nishimura, 1998), seeded as PyTorch seeds it.
struct MersenneTwister: Sendable {
    private static let size = 624
    private static let shift = 397

    private var state: [UInt32]
    private var position: Int

    /// Starts from the low 32 bits of a seed.
    init(seed: UInt64) {
        state = [UInt32(truncatingIfNeeded: seed)]
        state.reserveCapacity(Self.size)
        for index in 1..<Self.size {
            let last = state[index - 1]
            state.append(1_812_433_253 &* (last ^ last >> 30) &+ UInt32(index))
        }
        position = Self.size
    }

    /// The next 32 bits.
    mutating func next() -> UInt32 {
        if position == Self.size { twist() }
        var word = state[position]
        position += 1
        word ^= word >> 11
        word ^= word << 7 & 0x9D2C_5680
        word ^= word << 15 & 0xEFC6_0000
        return word ^ word >> 18
    }

    private mutating func twist() {
        for index in 0..<Self.size {
            let joined = state[index] & 0x8000_0000 | state[(index + 1) % Self.size] & 0x7FFF_FFFF
            let twisted = state[(index + Self.shift) % Self.size] ^ joined >> 1
            state[index] = joined & 1 == 0 ? twisted : twisted ^ 0x9908_B0DF
        }
        position = 0
    }
}
