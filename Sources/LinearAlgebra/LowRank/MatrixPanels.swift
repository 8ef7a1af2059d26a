import UD2MFormats

/// Products of a large matrix with thin ones in double precision, a few rows at a time, so that no copy of it is made.
extension MatrixView {
    /// How many rows are converted at once: about a megabyte, which stays in a processor's cache.
    static func panelRows(columns: Int, rows: Int) -> Int { max(1, min(rows, 131_072 / columns)) }

    /// Calls `body` with the first row, the number of rows and the elements of one panel after the other; it may change
    /// the elements.
    private func forEachPanel(_ body: (Int, Int, UnsafeMutablePointer<Double>) -> Void) {
        let panelRows = Self.panelRows(columns: columns, rows: rows)
        withUnsafeTemporaryAllocation(of: Double.self, capacity: panelRows * columns) { panel in
            guard let target = panel.baseAddress, let source = elements.baseAddress else { return }
            for first in stride(from: 0, to: rows, by: panelRows) {
                let count = min(panelRows, rows - first)
                let start = source + first * columns
                for index in 0..<count * columns { target[index] = Double(start[index]) }
                body(first, count, target)
            }
        }
    }

    /// This matrix times `vectors`: as many vectors of `rows` elements.
    func product(with vectors: ColumnVectors) throws(UD2MError) -> ColumnVectors {
        let library = try LinearAlgebra.preparedLibrary()
        var result = ColumnVectors(zeros: rows, vectors.count)
        let (n, k, m) = ([Int32(vectors.count)], [Int32(columns)], [Int32(rows)])
        result.values.withUnsafeMutableBufferPointer { out in
            guard let base = out.baseAddress else { return }
            forEachPanel { first, count, panel in
                library.dgemm(
                    "T", "N", [Int32(count)], n, k, [1], panel, k, vectors.values, k, [0], base + first, m, 1, 1)
            }
        }
        return result
    }

    /// The transpose of this matrix times `vectors`: as many vectors of `columns` elements.
    func transposedProduct(with vectors: ColumnVectors) throws(UD2MError) -> ColumnVectors {
        let library = try LinearAlgebra.preparedLibrary()
        var result = ColumnVectors(zeros: columns, vectors.count)
        let (m, n, lead) = ([Int32(columns)], [Int32(vectors.count)], [Int32(rows)])
        vectors.values.withUnsafeBufferPointer { vectors in
            guard let base = vectors.baseAddress else { return }
            forEachPanel { first, count, panel in
                library.dgemm(
                    "N", "N", m, n, [Int32(count)], [1], panel, m, base + first, lead, [1], &result.values, m, 1, 1)
            }
        }
        return result
    }

    /// The square of the Frobenius norm of the difference to a factored matrix of the same shape.
    func squaredDistance(to factors: FactoredMatrix) throws(UD2MError) -> Double {
        let library = try LinearAlgebra.preparedLibrary()
        let (left, right) = (factors.left.map(Double.init), factors.right.map(Double.init))
        let (n, k) = ([Int32(columns)], [Int32(factors.rank)])
        var square = 0.0
        left.withUnsafeBufferPointer { left in
            forEachPanel { first, count, panel in
                if let base = left.baseAddress, factors.rank > 0 {
                    library.dgemm(
                        "N", "N", n, [Int32(count)], k, [-1], right, n, base + first * factors.rank, k, [1], panel, n,
                        1, 1)
                }
                square += sumOfSquares(UnsafeBufferPointer(start: panel, count: count * columns)[...])
            }
        }
        return square
    }
}
