/// Products, factors and inverses, for laws of several normal variables.
extension DenseMatrix {
    /// The product of two matrices.
    func times(_ other: DenseMatrix) -> DenseMatrix {
        precondition(columns == other.rows)
        var product = DenseMatrix(rows: rows, columns: other.columns)
        let (inner, width) = (columns, other.columns)
        product.values.withUnsafeMutableBufferPointer { out in
            values.withUnsafeBufferPointer { left in
                other.values.withUnsafeBufferPointer { right in
                    for row in 0..<rows {
                        for middle in 0..<inner {
                            let factor = left[row * inner + middle]
                            for column in 0..<width {
                                out[row * width + column] += factor * right[middle * width + column]
                            }
                        }
                    }
                }
            }
        }
        return product
    }

    /// Rows as columns.
    var transposed: DenseMatrix {
        var result = DenseMatrix(rows: columns, columns: rows)
        for row in 0..<rows {
            for column in 0..<columns { result[column, row] = self[row, column] }
        }
        return result
    }

    /// The sum of two matrices of one size.
    func plus(_ other: DenseMatrix) -> DenseMatrix {
        var sum = self
        sum.values = zip(values, other.values).map { $0 + $1 }
        return sum
    }

    /// The difference of two matrices of one size.
    func minus(_ other: DenseMatrix) -> DenseMatrix { plus(other.scaled(-1)) }

    /// The sum of the diagonal.
    var trace: Double { (0..<rows).reduce(0) { $0 + self[$1, $1] } }

    /// The lower triangle L with L·Lᵀ = this symmetric matrix; nil unless it is positive definite.
    func choleskyFactor() -> DenseMatrix? {
        var factor = DenseMatrix(rows: rows, columns: rows)
        for row in 0..<rows {
            for column in 0...row {
                var rest = self[row, column]
                for index in 0..<column { rest -= factor[row, index] * factor[column, index] }
                if row == column {
                    guard rest > 0 else { return nil }
                    factor[row, row] = rest.squareRoot()
                } else {
                    factor[row, column] = rest / factor[column, column]
                }
            }
        }
        return factor
    }

    /// x with L·x = right side, for a lower triangle L.
    func forwardSolved(_ rightSide: [Double]) -> [Double] {
        var solution = rightSide
        for row in 0..<rows {
            for column in 0..<row { solution[row] -= self[row, column] * solution[column] }
            solution[row] /= self[row, row]
        }
        return solution
    }

    /// The inverse of a symmetric matrix; nil unless it is positive definite.
    func positiveInverse() -> DenseMatrix? {
        guard let factor = choleskyFactor() else { return nil }
        // Row i holds L⁻¹'s column i, so that L⁻ᵀ·L⁻¹ is this matrix times its transpose.
        var columns = DenseMatrix(rows: rows, columns: rows)
        for index in 0..<rows {
            var unit = [Double](repeating: 0, count: rows)
            unit[index] = 1
            columns.values.replaceSubrange(index * rows..<(index + 1) * rows, with: factor.forwardSolved(unit))
        }
        return columns.times(columns.transposed)
    }
}
