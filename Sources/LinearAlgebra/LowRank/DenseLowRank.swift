import UD2MFormats

/// How a large matrix is approximated from its products with a few random vectors (Halko, Martinsson and Tropp, "Finding
/// structure with randomness", algorithms 4.4 and 5.1).
public struct SketchOptions: Sendable, Hashable {
    /// Random vectors more than the rank asks for.
    public let oversampling: Int
    /// Further products with the matrix and its transpose, which separate singular values that lie close together.
    public let powerIterations: Int
    /// Where the random vectors come from.
    public let random: CounterRandom

    /// Creates options; numbers below 0 count as 0, and above 4096 and 64 as these.
    public init(oversampling: Int = 10, powerIterations: Int = 2, random: CounterRandom = CounterRandom(seed: 0)) {
        self.oversampling = max(0, min(oversampling, 4096))
        self.powerIterations = max(0, min(powerIterations, 64))
        self.random = random
    }
}

extension MatrixView {
    /// The approximation of a matrix at a chosen rank.
    ///
    /// Small matrices, and those whose rank turns out near their smaller side, are decomposed in full. Others are
    /// approximated from a sketch, whose error is close to the best one at that rank and stated exactly all the same;
    /// a choice by energy or error holds for the approximation that is returned. The matrix is read in place, two times
    /// when its rank is no larger than the sketch, and about seven times otherwise. Several matrices may be approximated
    /// at once on threads of their own, best with one thread each for BLAS (``BLASThreads/set(_:)``).
    /// - Throws: ``UD2MFormats/UD2MError``: `rank-choice`, `matrix-not-finite`, `matrix-not-converged`,
    ///   `lapack-missing`; `matrix-shape` when a full decomposition is needed of a matrix too large for it.
    public func lowRank(
        _ choice: RankChoice, options: SketchOptions = SketchOptions()
    ) throws(UD2MError) -> LowRankApproximation {
        try choice.validate()
        let energy = try energy()
        let (core, spectrum, rank) = try decomposed(choice, options, energy)
        let balanced = try core.balanced(rank: rank)
        let factors = try balanced.rounded()
        let left = spectrum.energy(beyond: rank)
        let error: Double
        if spectrum.isComplete {
            error = (left + (try balanced.roundingEnergy())).squareRoot()
        } else if left > 1e-6 * energy {
            // Rounding adds less than 10⁻⁸ of this.
            error = left.squareRoot()
        } else {
            // The difference of energies would be mostly their rounding.
            error = try distance(to: factors)
        }
        return LowRankApproximation(factors: factors, spectrum: spectrum, error: error)
    }

    /// The leading singular values, at least `count` of them or all.
    /// - Throws: ``UD2MFormats/UD2MError``: as ``lowRank(_:options:)``.
    public func spectrum(
        leading count: Int, options: SketchOptions = SketchOptions()
    ) throws(UD2MError) -> Spectrum {
        try RankChoice.rank(count).validate()
        return try decomposed(.rank(count), options, try energy()).spectrum
    }

    /// The Frobenius norm of the difference between this matrix and a factored one, in double precision.
    /// - Throws: ``UD2MFormats/UD2MError``: `matrix-shape` when the sizes differ, `matrix-not-finite`, `lapack-missing`.
    public func distance(to factors: FactoredMatrix) throws(UD2MError) -> Double {
        guard factors.rows == rows, factors.columns == columns else {
            throw UD2MError(
                .matrixShape,
                "Matrices of \(rows)×\(columns) and \(factors.rows)×\(factors.columns) have no difference.")
        }
        let square = try squaredDistance(to: factors)
        guard square.isFinite else {
            throw UD2MError(.matrixNotFinite, "A matrix has elements that are not finite numbers.")
        }
        return square.squareRoot()
    }

    private typealias Decomposed = (core: CoreDecomposition, spectrum: Spectrum, rank: Int)

    /// A decomposition that reaches as far as a choice needs.
    private func decomposed(
        _ choice: RankChoice, _ options: SketchOptions, _ energy: Double
    ) throws(UD2MError) -> Decomposed {
        let side = min(rows, columns)
        // A choice by energy or error starts small and doubles.
        var trusted = if case .rank(let rank) = choice { rank } else { 16 }
        while side > 64, trusted < side {
            let width = trusted + options.oversampling
            guard 2 * width < side else { break }
            let core = try sketched(width, options, energy)
            // The values of the vectors beyond the trusted ones are too small.
            let spectrum = Spectrum(
                values: Array(core.values.prefix(trusted)), energy: energy, fullRank: side, isComplete: false)
            if let rank = try choice.rank(in: spectrum) { return (core, spectrum, rank) }
            trusted *= 2
        }
        let core = try fullyDecomposed()
        let spectrum = Spectrum(values: core.values, energy: energy, fullRank: side, isComplete: true)
        return (core, spectrum, try choice.rank(in: spectrum) ?? side)
    }

    private func sketched(
        _ width: Int, _ options: SketchOptions, _ energy: Double
    ) throws(UD2MError) -> CoreDecomposition {
        var sketch = ColumnVectors(zeros: columns, width)
        for index in sketch.values.indices { sketch.values[index] = 2 * options.random.uniform(index) - 1 }
        var round = 0
        while true {
            let leftBasis = try ThinQR(product(with: sketch))
            sketch = try transposedProduct(with: leftBasis.columns())
            // What the basis misses is below the rounding of the sums: further rounds would find nothing.
            let isWhole = sketch.energy >= (1 - 1e-14) * energy
            if round == options.powerIterations || isWhole {
                let rightBasis = try ThinQR(sketch)
                return try CoreDecomposition(leftBasis, rightBasis.triangle.transposed, rightBasis)
            }
            round += 1
        }
    }

    private func fullyDecomposed() throws(UD2MError) -> CoreDecomposition {
        guard min(rows, columns) <= Matrix.maximumSide else {
            throw UD2MError(
                .matrixShape, "A matrix of \(rows)×\(columns) is too large to be decomposed in full.",
                remedy: "Choose a fixed rank.")
        }
        let vectors = ColumnVectors(rowsOf: elements, length: columns)
        if rows <= columns {
            let basis = try ThinQR(vectors)
            return try CoreDecomposition(nil, basis.triangle.transposed, basis)
        }
        let basis = try ThinQR(vectors.transposed)
        return try CoreDecomposition(basis, basis.triangle, nil)
    }
}
