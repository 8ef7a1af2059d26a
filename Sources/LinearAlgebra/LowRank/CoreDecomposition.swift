import UD2MFormats

/// The singular value decomposition of a matrix whose columns and rows lie in two small spaces.
///
/// The matrix is `leftBasis`·core·`rightBasis`ᵀ, and only the core is decomposed. A missing basis is the unit matrix.
struct CoreDecomposition {
    private let leftBasis: ThinQR?
    private let rightBasis: ThinQR?
    /// [p, k] and [q, k] for a core of p×q, k the smaller of both.
    private let left: ColumnVectors
    private let right: ColumnVectors
    /// k singular values, descending.
    let values: [Double]

    /// Decomposes a finite core with as many rows as the left basis has columns and as many columns as the right one.
    /// - Throws: ``UD2MFormats/UD2MError``: `matrix-not-converged`, `lapack-missing`.
    init(_ leftBasis: ThinQR?, _ core: ColumnVectors, _ rightBasis: ThinQR?) throws(UD2MError) {
        let (p, q) = (core.length, core.count)
        let k = min(p, q)
        var left = ColumnVectors(zeros: p, k)
        var transposedRight = ColumnVectors(zeros: k, q)
        var values = [Double](repeating: 0, count: k)
        if k > 0 {
            let library = try LinearAlgebra.preparedLibrary()
            var a = core.values
            var integers = [Int32](repeating: 0, count: 8 * k)
            let (m, n, smaller) = ([Int32(p)], [Int32(q)], [Int32(k)])
            var (info, size) = (Int32(0), 0.0)
            library.dgesdd(
                "S", m, n, &a, m, &values, &left.values, m, &transposedRight.values, smaller, &size, [-1], &integers,
                &info, 1)
            var work = [Double](repeating: 0, count: max(Int(size), 1))
            library.dgesdd(
                "S", m, n, &a, m, &values, &left.values, m, &transposedRight.values, smaller, &work,
                [Int32(clamping: work.count)], &integers, &info, 1)
            try LinearAlgebra.requireConverged(info)
        }
        self.leftBasis = leftBasis
        self.rightBasis = rightBasis
        self.left = left
        self.values = values
        right = transposedRight.transposed
    }

    /// The leading singular vectors on both sides, each times the root of its value: factors as large as each other.
    func balanced(rank: Int) throws(UD2MError) -> BalancedFactors {
        let roots = values.prefix(rank).map { $0.squareRoot() }
        var (left, right) = (left.prefix(roots.count), right.prefix(roots.count))
        left.scale(by: roots)
        right.scale(by: roots)
        return BalancedFactors(
            left: try leftBasis?.product(with: left) ?? left, right: try rightBasis?.product(with: right) ?? right)
    }
}

/// The factors of an approximation before they are rounded to floats: left·rightᵀ.
struct BalancedFactors {
    /// [rows, rank].
    let left: ColumnVectors
    /// [columns, rank].
    let right: ColumnVectors

    /// The factors as floats.
    func rounded() throws(UD2MError) -> FactoredMatrix {
        try FactoredMatrix(
            rows: left.length, columns: right.length, rank: left.count, left: left.transposed.values.map(Float.init),
            right: right.values.map(Float.init))
    }

    /// The square of the Frobenius norm of what rounding changes in the product, without forming the product.
    ///
    /// With L′ and R′ the rounded factors and dL, dR what they lost, LRᵀ − L′R′ᵀ = dL·Rᵀ + L′·dRᵀ, whose norm follows
    /// from scalar products of columns; nothing cancels.
    func roundingEnergy() throws(UD2MError) -> Double {
        let (roundedLeft, lostLeft) = Self.split(left)
        let (_, lostRight) = Self.split(right)
        let first = Self.dot(try lostLeft.products(with: lostLeft), try right.products(with: right))
        let mixed = Self.dot(try lostLeft.products(with: roundedLeft), try right.products(with: lostRight))
        let last = Self.dot(try roundedLeft.products(with: roundedLeft), try lostRight.products(with: lostRight))
        return max(0, first + 2 * mixed + last)
    }

    private static func split(_ vectors: ColumnVectors) -> (rounded: ColumnVectors, lost: ColumnVectors) {
        var (rounded, lost) = (vectors, vectors)
        for (index, value) in vectors.values.enumerated() {
            rounded.values[index] = Double(Float(value))
            lost.values[index] = value - rounded.values[index]
        }
        return (rounded, lost)
    }

    private static func dot(_ a: ColumnVectors, _ b: ColumnVectors) -> Double {
        zip(a.values, b.values).reduce(0) { $0 + $1.0 * $1.1 }
    }
}
