/// The Philox 4×32 counter-based generator with ten rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3").
///
/// A pure function of counter and key: any block can be computed in any order, by any thread.
package enum Philox {
    /// Four random words for one counter and key.
    package static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var state = counter
        var roundKey = key
        for _ in 0..<10 {
            let first = UInt32(0xD251_1F53).multipliedFullWidth(by: state[0])
            let second = UInt32(0xCD9E_8D57).multipliedFullWidth(by: state[2])
            state = SIMD4(
                second.high ^ state[1] ^ roundKey[0], second.low,
                first.high ^ state[3] ^ roundKey[1], first.low)
            roundKey &+= SIMD2(0x9E37_79B9, 0xBB67_AE85)
        }
        return state
    }
}
