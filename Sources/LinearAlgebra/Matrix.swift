import UD2MFormats

/// A dense matrix in double precision, row-major.
public struct Matrix: Sendable, Hashable {
    /// The number of rows, at least 1.
    public let rows: Int
    /// The number of columns, at least 1.
    public let columns: Int
    /// The elements, row by row.
    public internal(set) var values: [Double]

    /// The largest number of rows or columns: the libraries count in 32 bits, workspaces of 3·n² elements included.
    public static let maximumSide = 16_384

    /// Creates a matrix from its elements, row by row.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `matrix-shape` when a side is outside 1…``maximumSide`` or the
    ///   number of elements is not their product.
    public init(rows: Int, columns: Int, values: [Double]) throws(UD2MError) {
        let sides = 1...Self.maximumSide
        guard sides.contains(rows), sides.contains(columns), values.count == rows * columns else {
            throw UD2MError(.matrixShape, "A matrix of \(rows)×\(columns) cannot hold \(values.count) values.")
        }
        self.init(unchecked: rows, columns, values)
    }

    /// Creates a matrix whose parts the caller has proved to fit.
    init(unchecked rows: Int, _ columns: Int, _ values: [Double]) {
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    /// The element of a row and a column, or nil outside the matrix.
    public subscript(row: Int, column: Int) -> Double? {
        guard (0..<rows).contains(row), (0..<columns).contains(column) else { return nil }
        return values[row * columns + column]
    }

    /// The sum of the diagonal's elements.
    public var trace: Double {
        (0..<min(rows, columns)).reduce(0) { $0 + values[$1 * columns + $1] }
    }

    /// Multiplies each row by its number; `factors` has one a row.
    public mutating func scaleRows(by factors: [Double]) {
        for (row, factor) in factors.prefix(rows).enumerated() {
            for index in row * columns..<(row + 1) * columns { values[index] *= factor }
        }
    }
}

extension UD2MError.Code {
    /// The sizes of a matrix are impossible, or do not fit the other operand.
    public static let matrixShape = Self("matrix-shape", .usage)
    /// A matrix has an element that is not a finite number.
    public static let matrixNotFinite = Self("matrix-not-finite", .badData)
    /// A decomposition did not converge.
    public static let matrixNotConverged = Self("matrix-not-converged", .badData)
}
