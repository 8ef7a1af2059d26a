import Testing
import UD2MFormats
import UD2MLinearAlgebra
import UD2MTestSupport

/// Algebra on factors against the same on the whole matrix.
@Suite struct FactoredMatrixTests {
    @Test func denseIsTheProduct() throws {
        for (rows, columns, rank) in [(3, 5, 2), (700, 400, 9), (2, 200_000, 1), (5, 4, 0)] {
            let factors = try LowRankCase.factored("dense", rows, columns, rank)
            let dense = try factors.dense()
            #expect((dense.rows, dense.columns) == (rows, columns))
            let positions = stride(from: 0, to: rows * columns, by: max(1, rows * columns / 997))
            for position in positions {
                let (row, column) = (position / columns, position % columns)
                let exact = (0..<rank).reduce(0.0) {
                    $0 + Double(factors.left[row * rank + $1]) * Double(factors.right[$1 * columns + column])
                }
                // One rounding, of a sum whose own error may reach into it.
                #expect(abs(Double(dense.values[position]) - exact) <= 0x1p-24 * abs(exact) + 1e-15)
            }
        }
    }

    @Test("resizing is the decomposition of the product", arguments: LowRankCase.shapes.indices)
    func resize(_ index: Int) throws {
        let (rows, columns, rank) = LowRankCase.shapes[index]
        // More than the smaller side too.
        for inner in [rank, rank + 9] {
            let factors = try LowRankCase.factored("resize \(index)", rows, columns, inner)
            let wide = try LowRankCase.wide(factors)
            let norm = LowRankCase.norm(wide.values)
            let values = try LinearAlgebra.singularValues(wide)
            let spectrum = try factors.spectrum()
            for (value, exact) in zip(spectrum.values, values) { #expect(abs(value - exact) < 1e-12 * norm) }
            #expect(spectrum.isComplete && abs(spectrum.norm - norm) < 1e-12 * norm)
            var last = Double.infinity
            for newRank in 1...inner {
                let found = try factors.resized(to: .rank(newRank))
                #expect(found.factors.rank == min(newRank, rows, columns, inner))
                let error = LowRankCase.distance(wide, try LowRankCase.wide(found.factors))
                #expect(abs(found.error - error) < 1e-4 * error + 1e-14 * norm)
                let best = LowRankCase.norm(Array(values.dropFirst(newRank)))
                #expect(error < best * (1 + 1e-9) + 2e-7 * norm)
                #expect(found.error <= last * (1 + 1e-9) + 2e-7 * norm)
                last = found.error
            }
        }
    }

    @Test func resizingByEnergyAndError() throws {
        let factors = try LowRankCase.factored("energy", 60, 200, 16)
        let spectrum = try factors.spectrum()
        for rank in 1..<16 {
            let allowed = spectrum.relativeError(rank: rank) * (1 + 1e-9)
            #expect(try factors.resized(to: .relativeError(allowed)).factors.rank == rank)
            #expect(try factors.resized(to: .energy(1 - allowed * allowed)).factors.rank == rank)
            #expect(try factors.resized(to: .relativeError(allowed, atMost: 3)).factors.rank == min(rank, 3))
        }
        // A rank that is not there is not made up.
        #expect(try factors.resized(to: .rank(100)).factors.rank == 16)
    }

    @Test(arguments: LowRankCase.shapes.indices)
    func sumsAreLinear(_ index: Int) throws {
        let (rows, columns, rank) = LowRankCase.shapes[index]
        let terms = try [(rank, 0.7), (rank + 2, -1.25), (1, 3)].enumerated().map { part, term in
            WeightedFactors(
                try LowRankCase.factored("sum \(part)", rows, columns, term.0), weight: term.1)
        }
        var expected = [Double](repeating: 0, count: rows * columns)
        for term in terms {
            for (position, value) in try LowRankCase.wide(term.factors).values.enumerated() {
                expected[position] += term.weight * value
            }
        }
        let wide = try Matrix(rows: rows, columns: columns, values: expected)
        let norm = LowRankCase.norm(expected)
        let sum = try FactoredMatrix.sum(terms)
        #expect(sum.rank == 2 * rank + 3)
        // One rounding of the weighted factors.
        #expect(LowRankCase.distance(try LowRankCase.wide(sum), wide) < 2e-7 * norm)
        for newRank in [1, 2, sum.rank] {
            let resized = try FactoredMatrix.sum(terms, resizedTo: .rank(newRank))
            let error = LowRankCase.distance(wide, try LowRankCase.wide(resized.factors))
            #expect(abs(resized.error - error) < 1e-4 * error + 1e-13 * norm)
            #expect(error < (try LowRankCase.bestError(wide, rank: newRank)) * (1 + 1e-9) + 2e-7 * norm)
        }
    }

    @Test func whatCancelsIsZero() throws {
        let factors = try LowRankCase.factored("cancels", 20, 30, 4)
        let terms = [WeightedFactors(factors), WeightedFactors(factors, weight: -1)]
        let found = try FactoredMatrix.sum(terms, resizedTo: .rank(4))
        #expect(found.spectrum.norm < 1e-13 && found.error < 1e-13)
    }

    @Test func rankZeroIsTheZeroMatrix() throws {
        let zero = try FactoredMatrix(rows: 3, columns: 4, rank: 0, left: [], right: [])
        #expect(try zero.dense().values == [Float](repeating: 0, count: 12))
        #expect(try zero.spectrum().values == [])
        #expect(zero.parameterCount == 0)
        for choice in [RankChoice.rank(2), .energy(0.5), .relativeError(0)] {
            let found = try zero.resized(to: choice)
            #expect(found.factors == zero && found.error == 0 && found.relativeError == 0)
        }
        let other = try LowRankCase.factored("other", 3, 4, 2)
        #expect(try FactoredMatrix.sum([WeightedFactors(zero), WeightedFactors(other)]) == other)
        // Factors of zeros, and a weight of 0.
        let zeros = try FactoredMatrix(
            rows: 3, columns: 4, rank: 2, left: [Float](repeating: 0, count: 6),
            right: [Float](repeating: 0, count: 8))
        #expect(try zeros.resized(to: .rank(1)).error == 0)
        #expect(try zeros.resized(to: .energy(1)).factors.rank == 0)
        let weightless = try FactoredMatrix.sum([WeightedFactors(other, weight: 0)], resizedTo: .energy(1))
        #expect(weightless.factors.rank == 0 && weightless.error == 0)
    }

    @Test func refusals() throws {
        func factors(_ rows: Int, _ columns: Int, _ rank: Int, _ left: [Float], _ right: [Float]) -> UD2MError.Code? {
            LowRankCase.code {
                _ = try FactoredMatrix(rows: rows, columns: columns, rank: rank, left: left, right: right)
            }
        }
        #expect(factors(2, 2, 1, [1], [1, 2]) == .matrixShape)
        #expect(factors(2, 2, 1, [1, 2], [1, 2, 3]) == .matrixShape)
        #expect(factors(2, 2, -1, [], []) == .matrixShape)
        #expect(factors(0, 2, 1, [], [1, 2]) == .matrixShape)
        #expect(factors(.max, .max, .max, [], []) == .matrixShape)
        #expect(factors(2, 2, 1, [1, .nan], [1, 2]) == .matrixNotFinite)
        #expect(factors(2, 2, 1, [1, 2], [.infinity, 2]) == .matrixNotFinite)

        let (a, b) = (try LowRankCase.factored("a", 2, 3, 1), try LowRankCase.factored("b", 3, 2, 1))
        #expect(LowRankCase.code { _ = try FactoredMatrix.sum([]) } == .matrixShape)
        #expect(LowRankCase.code { _ = try FactoredMatrix.sum([], resizedTo: .rank(1)) } == .matrixShape)
        let unlike = [WeightedFactors(a), WeightedFactors(b)]
        #expect(LowRankCase.code { _ = try FactoredMatrix.sum(unlike) } == .matrixShape)
        #expect(LowRankCase.code { _ = try FactoredMatrix.sum(unlike, resizedTo: .rank(1)) } == .matrixShape)
        let endless = [WeightedFactors(a, weight: .infinity)]
        #expect(LowRankCase.code { _ = try FactoredMatrix.sum(endless) } == .mergeParameter)
        #expect(LowRankCase.code { _ = try FactoredMatrix.sum(endless, resizedTo: .rank(1)) } == .mergeParameter)
        #expect(LowRankCase.code { _ = try a.resized(to: .rank(0)) } == .rankChoice)

        let huge = try FactoredMatrix(rows: 1, columns: 1, rank: 1, left: [3e38], right: [3e38])
        #expect(LowRankCase.code { _ = try huge.dense() } == .matrixNotFinite)
        let heavy = [WeightedFactors(huge, weight: 1e300)]
        #expect(LowRankCase.code { _ = try FactoredMatrix.sum(heavy) } == .matrixNotFinite)
        #expect(LowRankCase.code { _ = try FactoredMatrix.sum(heavy, resizedTo: .rank(1)) } == .matrixNotFinite)
    }
}
