/// Random numbers that are a pure function of a seed, a name and a position: SplitMix64's hash of a counter.
///
/// They do not depend on the order in which layers are treated, nor on threads or platforms.
public struct CounterRandom: Sendable, Hashable {
    private let key: UInt64

    /// The numbers of one thing, such as a layer, under a seed.
    public init(seed: UInt64, name: String = "") {
        // FNV-1a of the name; one more hash keeps near seeds apart.
        let hash = name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        key = Self.hash(Self.hash(seed) ^ hash)
    }

    private init(key: UInt64) { self.key = key }

    /// Other numbers, one set for each part.
    func part(_ index: Int) -> CounterRandom {
        CounterRandom(key: Self.hash(key ^ Self.hash(UInt64(truncatingIfNeeded: index))))
    }

    /// A number in [0, 1) with 53 random bits.
    func uniform(_ position: Int) -> Double {
        Double(Self.hash(key &+ UInt64(truncatingIfNeeded: position)) >> 11) * 0x1p-53
    }

    private static func hash(_ value: UInt64) -> UInt64 {
        // SplitMix64 takes the step between counters itself, by an odd number far from any pattern.
        var z = (value &+ 1) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
