import Testing
import UD2MFormats
import UD2MLinearAlgebra
import UD2MTestSupport

/// Approximations of dense matrices against full decompositions.
///
/// Factors are rounded to floats, which changes a product by about 5·10⁻⁸ of its norm.
@Suite struct DenseLowRankTests {
    @Test("a matrix of low rank comes back to rounding", arguments: [(512, 2304, 5), (700, 130, 5), (40, 90, 3)])
    func exactRecovery(rows: Int, columns: Int, rank: Int) throws {
        let matrix = try LowRankCase.factored("exact", rows, columns, rank).dense()
        let found = try matrix.withView { (view) throws(UD2MError) in try view.lowRank(.rank(rank)) }
        #expect(found.factors.rank == rank)
        #expect(found.relativeError < 2e-7)
        let wide = try LowRankCase.wide(matrix)
        let error = LowRankCase.distance(wide, try LowRankCase.wide(found.factors))
        #expect(error < 2e-7 * LowRankCase.norm(wide.values))
        #expect(abs(found.error - error) < 1e-4 * error)
    }

    @Test(arguments: LowRankCase.shapes.indices)
    func randomShapes(_ index: Int) throws {
        let (rows, columns, rank) = LowRankCase.shapes[index]
        for matrix in [
            try LowRankCase.factored("low", rows, columns, rank).dense(), try LowRankCase.noise("noise", rows, columns),
            try LowRankCase.decaying("decaying", rows, columns),
        ] {
            let wide = try LowRankCase.wide(matrix)
            let norm = LowRankCase.norm(wide.values)
            let found = try matrix.withView { (view) throws(UD2MError) in try view.lowRank(.rank(rank)) }
            #expect(found.factors.rank == rank)
            // What is reported is the true error, and close to the best one.
            let error = LowRankCase.distance(wide, try LowRankCase.wide(found.factors))
            #expect(abs(found.error - error) < 1e-6 * error + 1e-13 * norm, "\(rows)×\(columns) rank \(rank)")
            #expect(error < 1.03 * (try LowRankCase.bestError(wide, rank: rank)) + 2e-7 * norm)
            #expect(abs(found.spectrum.norm - norm) < 1e-12 * norm)
        }
    }

    @Test("the vectors are orthogonal, and both factors carry the root of each singular value")
    func balance() throws {
        for (rows, columns) in [(200, 310), (310, 200), (30, 12)] {
            let matrix = try LowRankCase.decaying("balance", rows, columns)
            let found = try matrix.withView { (view) throws(UD2MError) in try view.lowRank(.rank(6)) }
            let values = try LinearAlgebra.singularValues(try LowRankCase.wide(matrix))
            let left = try Matrix(rows: rows, columns: 6, values: found.factors.left.map(Double.init))
            let right = try Matrix(rows: 6, columns: columns, values: found.factors.right.map(Double.init))
            for gram in [
                try LinearAlgebra.product(left, left, transposingLeft: true),
                try LinearAlgebra.product(right, right, transposingRight: true),
            ] {
                for (index, value) in gram.values.enumerated() {
                    let expected = index / 6 == index % 6 ? values[index / 6] : 0
                    // Rounding to floats, and what a sketch misses of these values.
                    #expect(abs(value - expected) < 1e-6 * values[0])
                }
            }
        }
    }

    @Test func theSameSeedGivesTheSameFactors() throws {
        let matrix = try LowRankCase.noise("seed", 150, 240)
        func factors(_ seed: UInt64, _ name: String) throws -> FactoredMatrix {
            let options = SketchOptions(random: CounterRandom(seed: seed, name: name))
            return try matrix.withView { (view) throws(UD2MError) in
                try view.lowRank(.rank(4), options: options).factors
            }
        }
        #expect(try factors(1, "a") == factors(1, "a"))
        #expect(try factors(1, "a") != factors(2, "a"))
        #expect(try factors(1, "a") != factors(1, "b"))
    }

    @Test func morePowerIterationsComeCloser() throws {
        let matrix = try LowRankCase.noise("power", 300, 400)
        let errors = try [0, 2, 12].map { count in
            try matrix.withView { (view) throws(UD2MError) in
                try view.lowRank(.rank(8), options: SketchOptions(powerIterations: count)).error
            }
        }
        let best = try LowRankCase.bestError(try LowRankCase.wide(matrix), rank: 8)
        #expect(errors[0] > errors[1] && errors[1] > errors[2] && errors[2] >= best)
        #expect(errors[2] < 1.002 * best)
    }

    @Test("a choice by energy or error holds, and one rank less would not do", arguments: [(300, 400), (90, 60)])
    func choices(rows: Int, columns: Int) throws {
        let matrix = try LowRankCase.decaying("choices", rows, columns)
        let wide = try LowRankCase.wide(matrix)
        let norm = LowRankCase.norm(wide.values)
        for allowed in [0.5, 0.1, 0.01, 0.001] {
            for choice in [RankChoice.relativeError(allowed), .energy(1 - allowed * allowed)] {
                let found = try matrix.withView { (view) throws(UD2MError) in try view.lowRank(choice) }
                let error = LowRankCase.distance(wide, try LowRankCase.wide(found.factors))
                #expect(error <= allowed * norm * (1 + 1e-6))
                #expect(abs(found.error - error) < 1e-6 * error)
                #expect(found.spectrum.relativeError(rank: found.factors.rank - 1) > allowed)
            }
            let limited = try matrix.withView { (view) throws(UD2MError) in
                try view.lowRank(.relativeError(allowed, atMost: 2))
            }
            #expect(limited.factors.rank <= 2)
        }
        // Everything: a full decomposition.
        let whole = try matrix.withView { (view) throws(UD2MError) in try view.lowRank(.relativeError(0)) }
        #expect(whole.spectrum.isComplete && whole.relativeError < 2e-7)
    }

    @Test func truncationIsTheLowerRank() throws {
        for (rows, columns) in [(300, 400), (30, 50)] {
            let matrix = try LowRankCase.decaying("truncated", rows, columns)
            let wide = try LowRankCase.wide(matrix)
            let found = try matrix.withView { (view) throws(UD2MError) in try view.lowRank(.rank(12)) }
            for rank in [12, 11, 4, 1, 0] {
                let shorter = try found.truncated(to: rank)
                #expect(shorter.factors.rank == rank)
                let error = LowRankCase.distance(wide, try LowRankCase.wide(shorter.factors))
                #expect(abs(shorter.error - error) < 1e-5 * error)
                #expect(error < 1.001 * (try LowRankCase.bestError(wide, rank: rank)))
            }
            #expect(LowRankCase.code { _ = try found.truncated(to: -1) } == .rankChoice)
        }
    }

    @Test func zeroMatrix() throws {
        for (rows, columns) in [(3, 4), (100, 120)] {
            let zeros = [Float](repeating: 0, count: rows * columns)
            let zero = try FloatMatrix(rows: rows, columns: columns, values: zeros)
            try zero.withView { (view) throws(UD2MError) in
                let fixed = try view.lowRank(.rank(2))
                #expect(fixed.factors.rank == 2 && fixed.error == 0 && fixed.relativeError == 0)
                #expect(try fixed.factors.dense().values == zeros)
                let chosen = try view.lowRank(.energy(0.9))
                #expect(chosen.factors.rank == 0 && chosen.error == 0)
                #expect(chosen.spectrum.energyCurve.allSatisfy { $0 == 1 })
            }
        }
    }

    @Test func extremeMagnitudes() throws {
        for scale: Float in [1e-37, 1e30] {
            let noise = try LowRankCase.factored("extreme", 80, 100, 2).dense().values.map { $0 * scale }
            let matrix = try FloatMatrix(rows: 80, columns: 100, values: noise)
            let found = try matrix.withView { (view) throws(UD2MError) in try view.lowRank(.rank(2)) }
            // The smallest floats have fewer digits.
            #expect(found.relativeError < 1e-5)
        }
    }

    @Test func spectrumOfADenseMatrix() throws {
        let matrix = try LowRankCase.decaying("spectrum", 200, 300)
        let values = try LinearAlgebra.singularValues(try LowRankCase.wide(matrix))
        let found = try matrix.withView { (view) throws(UD2MError) in try view.spectrum(leading: 20) }
        #expect(found.values.count >= 20 && !found.isComplete && found.fullRank == 200)
        for (value, exact) in zip(found.values, values) { #expect(abs(value - exact) < 1e-3 * exact) }
        let curve = found.energyCurve
        #expect(curve.count == found.values.count + 1 && curve[0] == 0)
        #expect(zip(curve, curve.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test func refusals() throws {
        for (rows, columns) in [(3, 4), (100, 120)] {
            for bad in [Float.nan, .infinity, -.infinity] {
                var values = [Float](repeating: 1, count: rows * columns)
                values[rows * columns - 1] = bad
                let matrix = try FloatMatrix(rows: rows, columns: columns, values: values)
                let factors = try LowRankCase.factored("finite", rows, columns, 1)
                try matrix.withView { (view) throws(UD2MError) in
                    #expect(LowRankCase.code { _ = try view.lowRank(.rank(1)) } == .matrixNotFinite)
                    #expect(LowRankCase.code { _ = try view.spectrum(leading: 1) } == .matrixNotFinite)
                    #expect(LowRankCase.code { _ = try view.distance(to: factors) } == .matrixNotFinite)
                }
            }
        }
        let matrix = try LowRankCase.noise("refusals", 3, 4)
        let choices: [RankChoice] = [
            .rank(0), .rank(-1), .energy(0), .energy(1.1), .energy(.nan), .relativeError(-0.1), .relativeError(1),
            .relativeError(.nan), .energy(0.5, atMost: 0),
        ]
        let other = try LowRankCase.factored("other", 4, 3, 1)
        try matrix.withView { (view) throws(UD2MError) in
            for choice in choices { #expect(LowRankCase.code { _ = try view.lowRank(choice) } == .rankChoice) }
            #expect(LowRankCase.code { _ = try view.distance(to: other) } == .matrixShape)
            #expect(try view.lowRank(.rank(.max)).factors.rank == 3)
        }
        for (rows, columns) in [(0, 4), (4, 0), (-1, 1), (2, 2), (.max, .max)] {
            #expect(
                LowRankCase.code { _ = try FloatMatrix(rows: rows, columns: columns, values: [1]) } == .matrixShape)
        }
    }
}
