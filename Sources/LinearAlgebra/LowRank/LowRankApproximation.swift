import UD2MFormats

/// The best approximation of a matrix at a rank, and what it costs.
public struct LowRankApproximation: Sendable, Hashable {
    /// The approximation: the leading singular vectors, each times the root of its singular value, in descending order.
    public let factors: FactoredMatrix
    /// The singular values of the matrix that is approximated, at least as many as the rank.
    public let spectrum: Spectrum
    /// The Frobenius norm of the difference between the matrix and `factors` as they are, rounding to floats included.
    public let error: Double

    /// ``error`` divided by the Frobenius norm of the matrix; 0 for the zero matrix.
    public var relativeError: Double { spectrum.energy > 0 ? error / spectrum.norm : 0 }

    /// The same approximation at a lower rank, without another decomposition; itself when `rank` is not lower.
    ///
    /// The error stays exact up to the rounding of the components that are left out.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `rank-choice` when `rank` is negative.
    public func truncated(to rank: Int) throws(UD2MError) -> LowRankApproximation {
        guard rank >= 0 else { throw UD2MError(.rankChoice, "A rank of \(rank) was asked for.") }
        guard rank < factors.rank else { return self }
        let lost = spectrum.values[rank..<factors.rank].reversed().reduce(0) { $0 + $1 * $1 }
        return LowRankApproximation(
            factors: try factors.prefix(rank), spectrum: spectrum, error: (error * error + lost).squareRoot())
    }
}

extension FactoredMatrix {
    /// The singular values of the product, from the triangles of both factors; the product is not formed.
    /// - Throws: ``UD2MFormats/UD2MError``: `matrix-not-converged`, `lapack-missing`.
    public func spectrum() throws(UD2MError) -> Spectrum {
        Self.spectrum(of: try Self.decomposed([WeightedFactors(self)]), rows: rows, columns: columns)
    }

    /// The best approximation of a lower rank, or the same matrix with balanced factors.
    ///
    /// QR of both factors, then the singular values of the small core, all in double precision: O((rows+columns)·rank²).
    /// A rank of 0 gives the zero matrix back, whatever was chosen.
    /// - Throws: ``UD2MFormats/UD2MError``: `rank-choice`, `matrix-not-converged`, `lapack-missing`.
    public func resized(to choice: RankChoice) throws(UD2MError) -> LowRankApproximation {
        try Self.sum([WeightedFactors(self)], resizedTo: choice)
    }

    /// The best approximation of a weighted sum of matrices; neither the sum nor its terms are formed.
    /// - Returns: The approximation; its rank is at most the sum of the ranks.
    /// - Throws: ``UD2MFormats/UD2MError``: `rank-choice`, `matrix-shape` and `merge-parameter` as ``sum(_:)`` does,
    ///   `matrix-not-finite` when a weight makes an element exceed a double, `matrix-not-converged`, `lapack-missing`.
    public static func sum(
        _ terms: [WeightedFactors], resizedTo choice: RankChoice
    ) throws(UD2MError) -> LowRankApproximation {
        try choice.validate()
        let (rows, columns) = try commonShape(terms)
        let core = try decomposed(terms)
        let spectrum = spectrum(of: core, rows: rows, columns: columns)
        let rank = min(try choice.rank(in: spectrum) ?? core.values.count, core.values.count)
        let balanced = try core.balanced(rank: rank)
        let lost = try spectrum.energy(beyond: rank) + balanced.roundingEnergy()
        return LowRankApproximation(
            factors: try balanced.rounded(), spectrum: spectrum, error: lost.squareRoot())
    }

    private static func spectrum(of core: CoreDecomposition, rows: Int, columns: Int) -> Spectrum {
        Spectrum(
            values: core.values, energy: core.values.reversed().reduce(0) { $0 + $1 * $1 },
            fullRank: min(rows, columns), isComplete: true)
    }

    /// The decomposition of a weighted sum from the factors side by side; the weights stay in double precision.
    private static func decomposed(_ terms: [WeightedFactors]) throws(UD2MError) -> CoreDecomposition {
        let (rows, columns) = try commonShape(terms)
        let rank = terms.reduce(0) { $0 + $1.factors.rank }
        var (left, right) = (ColumnVectors(zeros: rows, rank), ColumnVectors(zeros: columns, 0))
        right.values.reserveCapacity(columns * rank)
        var first = 0
        for term in terms {
            let inner = term.factors.rank
            for row in 0..<rows {
                for column in 0..<inner {
                    left.values[(first + column) * rows + row] =
                        Double(term.factors.left[row * inner + column]) * term.weight
                }
            }
            right.values += term.factors.right.lazy.map(Double.init)
            first += inner
        }
        right = ColumnVectors(length: columns, count: rank, values: right.values)
        let (leftBasis, rightBasis) = (try ThinQR(left), try ThinQR(right))
        let core = try leftBasis.triangle.product(withTransposed: rightBasis.triangle)
        guard core.values.allSatisfy(\.isFinite) else {
            throw UD2MError(.matrixNotFinite, "A weighted matrix has elements that are not finite numbers.")
        }
        return try CoreDecomposition(leftBasis, core, rightBasis)
    }
}
