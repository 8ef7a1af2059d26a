/// The order of tensors in files we write: aligned without padding (`formats.md` §12.3).
///
/// Sorted by the largest power of two that divides their sizes, largest first, every tensor starts at a multiple of its
/// own: all sizes before it are multiples too.
package enum TensorLayout {
    /// The largest power of two that divides `byteCount`; every one divides zero, so empty tensors come first.
    package static func divisor(byteCount: Int) -> Int {
        1 << min(byteCount.trailingZeroBitCount, Int.bitWidth - 2)
    }

    /// Whether a tensor comes before another.
    package static func precedes(
        _ lhs: (name: TensorName, byteCount: Int), _ rhs: (name: TensorName, byteCount: Int)
    ) -> Bool {
        let left = divisor(byteCount: lhs.byteCount)
        let right = divisor(byteCount: rhs.byteCount)
        return left != right ? left > right : lhs.name < rhs.name
    }
}
