/// Whole `.npy` files in memory.
public enum NPYFile {
    /// The bytes of a file with one float64 array.
    /// - Parameters:
    ///   - shape: Sizes, outermost first.
    ///   - values: The elements in row-major order, as many as the product of `shape`.
    /// - Returns: What `numpy.load` reads.
    /// - Throws: ``UD2MError`` with code `store-tensor` when the number of elements is another.
    public static func bytes(shape: [Int], values: [Double]) throws -> [UInt8] {
        guard let descriptor = NPYHeader.descriptor(.f64), ElementType.f64.byteCount(shape: shape) == values.count * 8
        else {
            throw UD2MError(.storeTensor, "An array of shape \(shape) cannot hold \(values.count) values.")
        }
        var bytes = NPYHeader.bytes(descriptor: descriptor, shape: shape)
        bytes.reserveCapacity(bytes.count + values.count * 8)
        for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) } }
        return bytes
    }
}
