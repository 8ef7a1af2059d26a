import UD2MFormats

/// A dense matrix in single precision, row-major, in memory that someone else keeps: a mapped weight or an array.
///
/// A view is only good while that memory is; use it inside the closure that gave the memory. It is only read through,
/// which is why threads may share it.
public struct MatrixView: @unchecked Sendable {
    /// The number of rows, 1…``maximumSide``.
    public let rows: Int
    /// The number of columns, 1…``maximumSide``.
    public let columns: Int
    /// The elements, row by row.
    public let elements: UnsafeBufferPointer<Float>

    /// The largest number of rows or columns; LAPACK counts in 32 bits.
    public static let maximumSide = 1 << 24

    /// Looks at `rows`·`columns` elements, row by row.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `matrix-shape` when a side is outside 1…``maximumSide`` or the
    ///   number of elements is not their product.
    public init(rows: Int, columns: Int, elements: UnsafeBufferPointer<Float>) throws(UD2MError) {
        try Self.requireShape(rows, columns, count: elements.count)
        self.rows = rows
        self.columns = columns
        self.elements = elements
    }

    static func requireShape(_ rows: Int, _ columns: Int, count: Int) throws(UD2MError) {
        let sides = 1...maximumSide
        guard sides.contains(rows), sides.contains(columns), count == rows * columns else {
            throw UD2MError(.matrixShape, "A matrix of \(rows)×\(columns) cannot hold \(count) values.")
        }
    }

    /// The sum of the squares of the elements, in double precision.
    ///
    /// The square of a finite float cannot overflow a double, so the sum also tells whether all of them are finite.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `matrix-not-finite`.
    public func energy() throws(UD2MError) -> Double {
        let total = sumOfSquares(elements[...])
        guard total.isFinite else {
            throw UD2MError(.matrixNotFinite, "A matrix has elements that are not finite numbers.")
        }
        return total
    }
}

/// A dense matrix in single precision, row-major.
public struct FloatMatrix: Sendable, Hashable {
    /// The number of rows, 1…``MatrixView/maximumSide``.
    public let rows: Int
    /// The number of columns, 1…``MatrixView/maximumSide``.
    public let columns: Int
    /// The elements, row by row.
    public let values: [Float]

    /// Creates a matrix from its elements, row by row.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `matrix-shape`, as ``MatrixView`` does.
    public init(rows: Int, columns: Int, values: [Float]) throws(UD2MError) {
        try MatrixView.requireShape(rows, columns, count: values.count)
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    /// Lends the matrix to `body` as a view.
    public func withView<Result>(
        _ body: (MatrixView) throws(UD2MError) -> Result
    ) throws(UD2MError) -> Result {
        try values.withUnsafeBufferPointer { (elements) throws(UD2MError) in
            try body(MatrixView(rows: rows, columns: columns, elements: elements))
        }
    }
}
