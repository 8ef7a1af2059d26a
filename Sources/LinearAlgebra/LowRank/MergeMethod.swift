import UD2MFormats

/// A dense matrix and the number it is multiplied with in a merge.
public struct WeightedMatrix: Sendable, Hashable {
    /// The matrix.
    public var matrix: FloatMatrix
    /// Its weight; finite.
    public var weight: Double

    /// Creates a term of a merge.
    public init(_ matrix: FloatMatrix, weight: Double = 1) {
        self.matrix = matrix
        self.weight = weight
    }
}

/// Ways to merge the changes that several adapters make to one weight, element by element.
///
/// They are those of PEFT's `add_weighted_adapter` with `_svd`: the dense changes are merged, and
/// ``merged(_:rank:random:options:)`` decomposes the result again. A density is the fraction of elements kept, in (0, 1].
public enum MergeMethod: Sendable, Hashable {
    /// The weighted sum. For factored matrices use ``FactoredMatrix/sum(_:resizedTo:)``, which gives the same and is
    /// faster.
    case sum
    /// The weighted sum of what is left of each matrix when only its largest elements are kept.
    case magnitudePrune(density: Double)
    /// Only the largest elements of each matrix are kept; then the elements whose sign was elected are averaged, each
    /// times its weight (Yadav et al., "TIES-Merging").
    case ties(density: Double, election: SignElection = .total)
    /// Elements are kept at random and divided by the density; then the weighted sum (Yu et al., "Language models are
    /// Super Mario").
    case dare(density: Double)
    /// Elements are kept at random and divided by the density; then signs are elected and averaged as for `ties`.
    case dareTies(density: Double, election: SignElection = .total)

    /// How the sign of an element is elected among the matrices, before weights; a draw is positive.
    public enum SignElection: String, Sendable, Hashable, CaseIterable {
        /// The sign of the sum.
        case total
        /// The sign that more of them have.
        case frequency
    }

    /// Merges matrices of one shape in double precision, rounding once.
    /// - Parameters:
    ///   - terms: at least one.
    ///   - random: what `dare` and `dareTies` draw from; each term has its own numbers, by its place in `terms`.
    /// - Returns: The merged matrix, of the terms' shape.
    /// - Throws: ``UD2MFormats/UD2MError``: `matrix-shape` when there is none or the sizes differ, `merge-parameter`
    ///   for a density or weight out of range, `matrix-not-finite` for terms or results that are not.
    public func merged(_ terms: [WeightedMatrix], random: CounterRandom) throws(UD2MError) -> FloatMatrix {
        let (rows, columns) = try validate(terms)
        let kinds = terms.indices.map { keeping(of: terms[$0].matrix, random.part($0)) }
        let weights = terms.map(\.weight)
        // A part at a time, so that what is kept of all terms stays in a processor's cache.
        let part = 8192
        var kept = [Double](repeating: 0, count: part * terms.count)
        var values = [Float](repeating: 0, count: rows * columns)
        for first in stride(from: 0, to: values.count, by: part) {
            let count = min(part, values.count - first)
            for term in terms.indices {
                kinds[term].copy(
                    terms[term].matrix.values, from: first, count: count, to: &kept, at: term * part)
            }
            for index in 0..<count { values[first + index] = Float(combined(kept, index, part, weights)) }
        }
        let result = try FloatMatrix(rows: rows, columns: columns, values: values)
        _ = try result.withView { (view) throws(UD2MError) in try view.energy() }
        return result
    }

    /// Merges matrices and approximates the result.
    /// - Throws: ``UD2MFormats/UD2MError``: as ``merged(_:random:)`` and ``MatrixView/lowRank(_:options:)``.
    public func merged(
        _ terms: [WeightedMatrix], rank: RankChoice, random: CounterRandom, options: SketchOptions = SketchOptions()
    ) throws(UD2MError) -> LowRankApproximation {
        try rank.validate()
        return try merged(terms, random: random).withView { (view) throws(UD2MError) in
            try view.lowRank(rank, options: options)
        }
    }

    private func validate(_ terms: [WeightedMatrix]) throws(UD2MError) -> (rows: Int, columns: Int) {
        guard let first = terms.first?.matrix else {
            throw UD2MError(.matrixShape, "A merge of no matrices has no shape.")
        }
        if let density, !(density > 0 && density <= 1) {
            throw UD2MError(.mergeParameter, "The density is \(density), not in (0, 1].")
        }
        for term in terms {
            guard term.matrix.rows == first.rows, term.matrix.columns == first.columns else {
                throw UD2MError(
                    .matrixShape,
                    "Matrices of \(first.rows)×\(first.columns) and \(term.matrix.rows)×\(term.matrix.columns) "
                        + "cannot be merged.")
            }
            guard term.weight.isFinite else {
                throw UD2MError(.mergeParameter, "A weight is \(term.weight), not a finite number.")
            }
            _ = try term.matrix.withView { (view) throws(UD2MError) in try view.energy() }
        }
        return (first.rows, first.columns)
    }

    private var density: Double? {
        switch self {
        case .sum: nil
        case .magnitudePrune(let density), .dare(let density): density
        case .ties(let density, _), .dareTies(let density, _): density
        }
    }

    private func keeping(of matrix: FloatMatrix, _ random: CounterRandom) -> Keeping {
        switch self {
        case .sum: .all
        case .magnitudePrune(let density), .ties(let density, _): Keeping(largest: density, of: matrix.values)
        case .dare(let density), .dareTies(let density, _): .random(density: density, random)
        }
    }

    /// One element of the result from what is kept of all terms: `kept[first]`, `kept[first + step]` and so on.
    private func combined(_ kept: [Double], _ first: Int, _ step: Int, _ weights: [Double]) -> Double {
        var election = 0.0
        switch self {
        case .sum, .magnitudePrune, .dare:
            var sum = 0.0
            for term in weights.indices { sum += weights[term] * kept[first + term * step] }
            return sum
        case .ties(_, .total), .dareTies(_, .total):
            for term in weights.indices { election += kept[first + term * step] }
        case .ties(_, .frequency), .dareTies(_, .frequency):
            for term in weights.indices {
                let element = kept[first + term * step]
                election += element > 0 ? 1 : element < 0 ? -1 : 0
            }
        }
        var (sum, count) = (0.0, 0.0)
        for term in weights.indices {
            let element = kept[first + term * step]
            guard election >= 0 ? element > 0 : element < 0 else { continue }
            sum += weights[term] * element
            count += 1
        }
        return sum / max(count, 1)
    }
}
