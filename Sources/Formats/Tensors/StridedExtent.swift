/// The elements a strided tensor reaches, in checked arithmetic (`formats.md` §5.3).
struct StridedExtent {
    let shape: [Int]
    let strides: [Int]
    let offset: Int
    let byteWidth: Int

    /// Whether every element lies inside a storage of so many bytes; sizes and strides must not be negative, and the
    /// shape must not hold a zero.
    func fits(in byteCount: Int) -> Bool {
        guard offset >= 0, byteWidth > 0, shape.count == strides.count else { return false }
        var last = offset
        for (size, stride) in zip(shape, strides) {
            guard size > 0, stride >= 0 else { return false }
            let (reach, overflow) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, sumOverflow) = last.addingReportingOverflow(reach)
            guard !overflow, !sumOverflow else { return false }
            last = sum
        }
        return last < byteCount / byteWidth
    }
}
