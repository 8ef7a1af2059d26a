import UD2MFormats

/// A dense float32 array, row-major: NCHW for images, [N] or [N, C] for vectors.
public struct Tensor: Sendable, Hashable {
    /// Sizes, outermost first; empty for a scalar.
    public let shape: [Int]
    /// The elements in row-major order; as many as the product of `shape`.
    public private(set) var values: [Float]

    /// Creates a tensor from its elements in row-major order.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `tensor-shape` unless the product of `shape` is `values.count`.
    public init(shape: [Int], values: [Float]) throws {
        guard let count = Tensor.elementCount(shape), count == values.count else {
            throw UD2MError(.tensorShape, "A tensor of shape \(shape) cannot hold \(values.count) values.")
        }
        self.shape = shape
        self.values = values
    }

    /// Creates a tensor whose elements all have one value.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `tensor-shape` when `shape` is negative or overflows, and
    ///   `memory-exhausted` when the machine has less memory than it takes.
    public init(shape: [Int], repeating value: Float) throws {
        guard let count = Tensor.elementCount(shape) else {
            throw UD2MError(.tensorShape, "\(shape) is not the shape of a tensor.")
        }
        try MachineMemory.require(count * MemoryLayout<Float>.stride, for: "A tensor of shape \(shape)")
        self.shape = shape
        self.values = [Float](repeating: value, count: count)
    }

    /// The number of elements of a shape, or nil when a size is negative or the bytes overflow.
    public static func elementCount(_ shape: [Int]) -> Int? {
        ElementType.f32.byteCount(shape: shape).map { $0 / 4 }
    }

    /// Gives the elements for changing in place; their number stays.
    public mutating func withMutableValues<Result>(
        _ body: (inout UnsafeMutableBufferPointer<Float>) throws -> Result
    ) rethrows -> Result {
        try values.withUnsafeMutableBufferPointer { buffer in
            var view = buffer
            return try body(&view)
        }
    }
}
