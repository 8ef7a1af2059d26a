import UD2MFormats

/// The decomposition of a matrix into orthonormal columns and an upper triangle, by Householder's reflections.
///
/// The columns stay orthonormal whatever the rank of the matrix, and are multiplied with without being formed.
struct ThinQR {
    /// The reflections below the diagonal, the triangle on and above it.
    private let factored: ColumnVectors
    private let scales: [Double]

    /// The number of orthonormal columns: the smaller side.
    var count: Int { scales.count }

    /// - Throws: ``UD2MFormats/UD2MError``: `lapack-missing`, `matrix-not-converged`.
    init(_ matrix: ColumnVectors) throws(UD2MError) {
        var factored = matrix
        var scales = [Double](repeating: 0, count: min(matrix.length, matrix.count))
        if !scales.isEmpty {
            let library = try LinearAlgebra.preparedLibrary()
            let (m, n) = ([Int32(matrix.length)], [Int32(matrix.count)])
            var (info, size) = (Int32(0), 0.0)
            library.dgeqrf(m, n, &factored.values, m, &scales, &size, [-1], &info)
            var work = [Double](repeating: 0, count: max(Int(size), 1))
            library.dgeqrf(m, n, &factored.values, m, &scales, &work, [Int32(clamping: work.count)], &info)
            try LinearAlgebra.requireConverged(info)
        }
        self.factored = factored
        self.scales = scales
    }

    /// The upper triangle, ``count`` rows and as many columns as the matrix.
    var triangle: ColumnVectors {
        var result = ColumnVectors(zeros: count, factored.count)
        for column in 0..<factored.count {
            for row in 0..<min(column + 1, count) {
                result.values[column * count + row] = factored.values[column * factored.length + row]
            }
        }
        return result
    }

    /// The orthonormal columns times a matrix of ``count`` rows.
    /// - Throws: ``UD2MFormats/UD2MError``: `lapack-missing`, `matrix-not-converged`.
    func product(with coefficients: ColumnVectors) throws(UD2MError) -> ColumnVectors {
        var result = ColumnVectors(zeros: factored.length, coefficients.count)
        guard count > 0, coefficients.count > 0 else { return result }
        for column in 0..<coefficients.count {
            for row in 0..<count {
                result.values[column * factored.length + row] = coefficients.values[column * count + row]
            }
        }
        let library = try LinearAlgebra.preparedLibrary()
        let (m, n, k) = ([Int32(factored.length)], [Int32(coefficients.count)], [Int32(count)])
        var (info, size) = (Int32(0), 0.0)
        library.dormqr("L", "N", m, n, k, factored.values, m, scales, &result.values, m, &size, [-1], &info, 1, 1)
        var work = [Double](repeating: 0, count: max(Int(size), 1))
        library.dormqr(
            "L", "N", m, n, k, factored.values, m, scales, &result.values, m, &work, [Int32(clamping: work.count)],
            &info, 1, 1)
        try LinearAlgebra.requireConverged(info)
        return result
    }

    /// The orthonormal columns themselves.
    /// - Throws: ``UD2MFormats/UD2MError``: `lapack-missing`, `matrix-not-converged`.
    func columns() throws(UD2MError) -> ColumnVectors { try product(with: .identity(count)) }
}
