import UD2MFormats

/// A matrix given as the product of two thin ones.
///
/// In terms of LoRA, `left` is the up side (PEFT's `lora_B`) and `right` the down side (`lora_A`), with the scale folded
/// into one of them. Rank 0 stands for the zero matrix.
public struct FactoredMatrix: Sendable, Hashable {
    /// The number of rows of the product, 1…``MatrixView/maximumSide``.
    public let rows: Int
    /// The number of columns of the product, 1…``MatrixView/maximumSide``.
    public let columns: Int
    /// The inner size, 0 or more; it may exceed the sides.
    public let rank: Int
    /// [rows, rank], row-major; finite.
    public let left: [Float]
    /// [rank, columns], row-major; finite.
    public let right: [Float]

    /// Creates a matrix from its factors, both row-major.
    /// - Throws: ``UD2MFormats/UD2MError``: `matrix-shape` when a side is outside 1…``MatrixView/maximumSide``, the rank
    ///   outside 0…``MatrixView/maximumSide`` or the factors do not fit; `matrix-not-finite`.
    public init(rows: Int, columns: Int, rank: Int, left: [Float], right: [Float]) throws(UD2MError) {
        let sides = 1...MatrixView.maximumSide
        guard sides.contains(rows), sides.contains(columns), (0...MatrixView.maximumSide).contains(rank),
            left.count == rows * rank, right.count == rank * columns
        else {
            throw UD2MError(
                .matrixShape,
                "Factors of \(left.count) and \(right.count) values do not make \(rows)×\(columns) at rank \(rank).")
        }
        guard left.allSatisfy(\.isFinite), right.allSatisfy(\.isFinite) else {
            throw UD2MError(.matrixNotFinite, "A factor has elements that are not finite numbers.")
        }
        self.rows = rows
        self.columns = columns
        self.rank = rank
        self.left = left
        self.right = right
    }

    /// The number of elements of both factors.
    public var parameterCount: Int { rank * (rows + columns) }

    /// The product, each element summed in double precision and rounded once.
    /// - Throws: ``UD2MFormats/UD2MError``: `matrix-not-finite` when an element exceeds a float; `lapack-missing`.
    public func dense() throws(UD2MError) -> FloatMatrix {
        guard rank > 0 else {
            return try FloatMatrix(
                rows: rows, columns: columns, values: [Float](repeating: 0, count: rows * columns))
        }
        let library = try LinearAlgebra.preparedLibrary()
        let (left, right) = (left.map(Double.init), right.map(Double.init))
        let panelRows = MatrixView.panelRows(columns: columns, rows: rows)
        var panel = [Double](repeating: 0, count: panelRows * columns)
        var values: [Float] = []
        values.reserveCapacity(rows * columns)
        let (n, k) = ([Int32(columns)], [Int32(rank)])
        for first in stride(from: 0, to: rows, by: panelRows) {
            let count = min(panelRows, rows - first)
            left.withUnsafeBufferPointer { left in
                guard let base = left.baseAddress else { return }
                library.dgemm(
                    "N", "N", n, [Int32(count)], k, [1], right, n, base + first * rank, k, [0], &panel, n, 1, 1)
            }
            panel.withUnsafeBufferPointer { values.append(contentsOf: $0.prefix(count * columns).lazy.map(Float.init)) }
        }
        let result = try FloatMatrix(rows: rows, columns: columns, values: values)
        _ = try result.withView { (view) throws(UD2MError) in try view.energy() }
        return result
    }

    /// The product of the first `newRank` columns and rows of the factors.
    ///
    /// Of a ``LowRankApproximation``'s factors this is the best approximation of the lower rank.
    func prefix(_ newRank: Int) throws(UD2MError) -> FactoredMatrix {
        guard newRank < rank else { return self }
        let kept = (0..<rows).flatMap { left[$0 * rank..<$0 * rank + newRank] }
        return try FactoredMatrix(
            rows: rows, columns: columns, rank: newRank, left: kept, right: Array(right.prefix(newRank * columns)))
    }
}

/// A factored matrix and the number it is multiplied with in a sum.
public struct WeightedFactors: Sendable, Hashable {
    /// The matrix.
    public var factors: FactoredMatrix
    /// Its weight; finite.
    public var weight: Double

    /// Creates a term of a sum.
    public init(_ factors: FactoredMatrix, weight: Double = 1) {
        self.factors = factors
        self.weight = weight
    }
}

extension FactoredMatrix {
    /// The weighted sum of matrices, exact by putting their factors side by side: its rank is the sum of the ranks.
    ///
    /// Each weight goes into its left factor, whose elements are rounded once.
    /// - Throws: ``UD2MFormats/UD2MError``: `matrix-shape` when there is none or the sizes differ, `merge-parameter`
    ///   when a weight is not finite, `matrix-not-finite` when a weighted element exceeds a float.
    public static func sum(_ terms: [WeightedFactors]) throws(UD2MError) -> FactoredMatrix {
        let (rows, columns) = try commonShape(terms)
        let rank = terms.reduce(0) { $0 + $1.factors.rank }
        var left: [Float] = []
        left.reserveCapacity(rows * rank)
        for row in 0..<rows {
            for term in terms {
                let part = term.factors.left[row * term.factors.rank..<(row + 1) * term.factors.rank]
                left += part.lazy.map { Float(Double($0) * term.weight) }
            }
        }
        return try FactoredMatrix(
            rows: rows, columns: columns, rank: rank, left: left, right: terms.flatMap(\.factors.right))
    }

    /// The shape that all terms have.
    static func commonShape(_ terms: [WeightedFactors]) throws(UD2MError) -> (rows: Int, columns: Int) {
        guard let first = terms.first?.factors else {
            throw UD2MError(.matrixShape, "A sum of no matrices has no shape.")
        }
        for term in terms {
            guard term.factors.rows == first.rows, term.factors.columns == first.columns else {
                throw UD2MError(
                    .matrixShape,
                    "Matrices of \(first.rows)×\(first.columns) and \(term.factors.rows)×\(term.factors.columns) "
                        + "have no sum.")
            }
            guard term.weight.isFinite else {
                throw UD2MError(.mergeParameter, "A weight is \(term.weight), not a finite number.")
            }
        }
        return (first.rows, first.columns)
    }
}

extension UD2MError.Code {
    /// A weight or a density with which matrices cannot be merged.
    public static let mergeParameter = Self("merge-parameter", .usage)
}
