import UD2MFormats

/// Products and decompositions of matrices by BLAS and LAPACK.
///
/// The libraries count rows down columns; a row-major matrix is its own transpose to them, and every call here is
/// written with the operands exchanged so that nothing is copied. Fortran takes every argument by address, which is what
/// the lists of one number are for.
public enum LinearAlgebra {
    /// The product of `a` and `b`, each transposed first where asked.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `matrix-shape` when the inner sizes differ,
    ///   `lapack-missing`.
    public static func product(
        _ a: Matrix, _ b: Matrix, transposingLeft isATransposed: Bool = false,
        transposingRight isBTransposed: Bool = false
    ) throws(UD2MError) -> Matrix {
        let (rows, inner) = isATransposed ? (a.columns, a.rows) : (a.rows, a.columns)
        let (other, columns) = isBTransposed ? (b.columns, b.rows) : (b.rows, b.columns)
        guard inner == other else {
            throw UD2MError(
                .matrixShape, "Matrices of \(rows)×\(inner) and \(other)×\(columns) have no product.")
        }
        let library = try preparedLibrary()
        var values = [Double](repeating: 0, count: rows * columns)
        library.dgemm(
            isBTransposed ? "T" : "N", isATransposed ? "T" : "N", [Int32(columns)], [Int32(rows)], [Int32(inner)], [1],
            b.values, [Int32(b.columns)], a.values, [Int32(a.columns)], [0], &values, [Int32(columns)], 1, 1)
        return Matrix(unchecked: rows, columns, values)
    }

    /// Adds `rows`ᵀ·`rows` to the upper triangle of a square matrix; the lower one is left as it is.
    /// - Parameters:
    ///   - rows: vectors of `sum.columns` elements one after the other; a part of a vector at the end is ignored.
    ///   - sum: a square matrix.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `matrix-shape` when `sum` is not square,
    ///   `lapack-missing`.
    public static func addGram(of rows: [Double], to sum: inout Matrix) throws(UD2MError) {
        guard sum.rows == sum.columns else {
            throw UD2MError(.matrixShape, "A matrix of \(sum.rows)×\(sum.columns) is not square.")
        }
        let library = try preparedLibrary()
        let (n, k) = ([Int32(sum.columns)], [Int32(clamping: rows.count / sum.columns)])
        // The lower triangle by columns is the upper one by rows.
        library.dsyrk("L", "N", n, k, [1], rows, n, [1], &sum.values, n, 1, 1)
    }

    /// The eigenvalues of a symmetric matrix in ascending order, and its eigenvectors.
    ///
    /// Only the upper triangle is read. Row i of the vectors is the unit eigenvector of value i.
    /// - Throws: ``UD2MFormats/UD2MError``: `matrix-shape` when it is not square, `matrix-not-finite`,
    ///   `matrix-not-converged`, `lapack-missing`.
    public static func symmetricEigen(_ matrix: Matrix) throws(UD2MError) -> (values: [Double], vectors: Matrix) {
        guard matrix.rows == matrix.columns else {
            throw UD2MError(.matrixShape, "A matrix of \(matrix.rows)×\(matrix.columns) is not square.")
        }
        try requireFinite(matrix)
        let library = try preparedLibrary()
        var vectors = matrix
        let n = [Int32(matrix.rows)]
        var values = [Double](repeating: 0, count: matrix.rows)
        var (info, size, integerSize) = (Int32(0), 0.0, Int32(0))
        library.dsyevd("V", "L", n, &vectors.values, n, &values, &size, [-1], &integerSize, [-1], &info, 1, 1)
        var work = [Double](repeating: 0, count: max(Int(size), 1))
        var integers = [Int32](repeating: 0, count: max(Int(integerSize), 1))
        library.dsyevd(
            "V", "L", n, &vectors.values, n, &values, &work, [Int32(clamping: work.count)], &integers,
            [Int32(clamping: integers.count)], &info, 1, 1)
        try requireConverged(info)
        return (values, vectors)
    }

    /// The singular values of a matrix in descending order.
    /// - Throws: ``UD2MFormats/UD2MError``: `matrix-not-finite`, `matrix-not-converged`, `lapack-missing`.
    public static func singularValues(_ matrix: Matrix) throws(UD2MError) -> [Double] {
        try requireFinite(matrix)
        let library = try preparedLibrary()
        var a = matrix.values
        let (m, n) = ([Int32(matrix.columns)], [Int32(matrix.rows)])
        let smaller = min(matrix.rows, matrix.columns)
        var values = [Double](repeating: 0, count: smaller)
        var integers = [Int32](repeating: 0, count: 8 * smaller)
        var (info, size) = (Int32(0), 0.0)
        // Neither side's vectors are asked for: their arrays have one element that nobody touches.
        var (left, right) = (0.0, 0.0)
        library.dgesdd("N", m, n, &a, m, &values, &left, [1], &right, [1], &size, [-1], &integers, &info, 1)
        var work = [Double](repeating: 0, count: max(Int(size), 1))
        library.dgesdd(
            "N", m, n, &a, m, &values, &left, [1], &right, [1], &work, [Int32(clamping: work.count)], &integers, &info,
            1)
        try requireConverged(info)
        return values
    }

    /// The loaded library with the chosen number of threads.
    static func preparedLibrary() throws(UD2MError) -> LAPACKLibrary {
        let library = try LAPACKLibrary.loaded()
        BLASThreads.apply(to: library)
        return library
    }

    private static func requireFinite(_ matrix: Matrix) throws(UD2MError) {
        guard matrix.values.allSatisfy(\.isFinite) else {
            throw UD2MError(.matrixNotFinite, "A matrix has elements that are not finite numbers.")
        }
    }

    /// Turns LAPACK's `info` into an error.
    static func requireConverged(_ info: Int32) throws(UD2MError) {
        guard info == 0 else {
            throw UD2MError(.matrixNotConverged, "A decomposition of a matrix did not converge (\(info)).")
        }
    }
}
