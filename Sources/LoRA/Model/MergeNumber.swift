import CUD2MKernels
import UD2MFormats

/// A precision that merging computes in.
protocol MergeNumber: BinaryFloatingPoint, Sendable {
    /// The type of its elements in files.
    static var elementType: ElementType { get }
    /// Adds `factor` times each value to the sum in its place, in the way of the precision.
    static func add(
        _ factor: Self, times values: UnsafeBufferPointer<Self>, to sums: UnsafeMutableBufferPointer<Self>)
}

extension Float: MergeNumber {
    static var elementType: ElementType { .f32 }

    /// One rounding for the product and the sum: what PyTorch's matrix product does on today's processors, so that merged
    /// weights have the bits of its own merge.
    static func add(
        _ factor: Float, times values: UnsafeBufferPointer<Float>, to sums: UnsafeMutableBufferPointer<Float>
    ) {
        guard let from = values.baseAddress, let into = sums.baseAddress else { return }
        ud2m_fused_multiply_add(factor, from, into, min(values.count, sums.count))
    }
}

extension Double: MergeNumber {
    static var elementType: ElementType { .f64 }

    /// Two roundings: far below the one of the result, and fast on every processor.
    static func add(
        _ factor: Double, times values: UnsafeBufferPointer<Double>, to sums: UnsafeMutableBufferPointer<Double>
    ) {
        for index in 0..<min(values.count, sums.count) { sums[index] += factor * values[index] }
    }
}

extension Array where Element: MergeNumber {
    /// The transpose of a matrix in row-major order.
    func transposed(columns: Int) -> [Element] {
        let rows = count / Swift.max(columns, 1)
        var values = [Element](repeating: 0, count: count)
        for row in 0..<rows {
            for column in 0..<columns { values[column * rows + row] = self[row * columns + column] }
        }
        return values
    }
}
