import Testing
import UD2MFormats
import UD2MLinearAlgebra
import UD2MTestSupport

/// Merges against their definitions, written out over whole matrices as PEFT does.
@Suite struct MergeMethodTests {
    static let random = CounterRandom(seed: 5, name: "layer")

    static func terms(_ rows: Int = 37, _ columns: Int = 411) throws -> [WeightedMatrix] {
        try [1, 0.5, -0.75].enumerated().map { index, weight in
            // Coarse values, so that equal magnitudes and zeros occur.
            let values = try LowRankCase.noise("merge \(index)", rows, columns).values.map {
                ($0 * 40).rounded() / 32
            }
            return WeightedMatrix(try FloatMatrix(rows: rows, columns: columns, values: values), weight: weight)
        }
    }

    /// The largest elements by a stable sort, so that of equal ones the first stay.
    static func pruned(_ values: [Float], _ density: Double) -> [Double] {
        let order = values.indices.sorted {
            (-abs(values[$0]), $0) < (-abs(values[$1]), $1)
        }
        var result = [Double](repeating: 0, count: values.count)
        for index in order.prefix(Int(density * Double(values.count))) { result[index] = Double(values[index]) }
        return result
    }

    static func weightedSum(_ tensors: [[Double]], _ weights: [Double]) -> [Double] {
        tensors[0].indices.map { index in
            zip(tensors, weights).reduce(0) { $0 + $1.1 * $1.0[index] }
        }
    }

    static func elected(_ tensors: [[Double]], _ weights: [Double], byCount: Bool) -> [Double] {
        func sign(_ value: Double) -> Double { value > 0 ? 1 : value < 0 ? -1 : 0 }
        return tensors[0].indices.map { index in
            let column = tensors.map { $0[index] }
            let vote = column.reduce(0) { $0 + (byCount ? sign($1) : $1) }
            let majority: Double = vote >= 0 ? 1 : -1
            let chosen = zip(column, weights).filter { sign($0.0) == majority }
            return chosen.reduce(0) { $0 + $1.0 * $1.1 } / Double(max(chosen.count, 1))
        }
    }

    static func worst(_ found: FloatMatrix, _ expected: [Double]) -> Double {
        guard found.values.count == expected.count else { return .infinity }
        // The values are below 2: one rounding is below 1.2·10⁻⁷.
        return zip(found.values, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
    }

    @Test(arguments: [0.00001, 0.01, 0.2, 0.5, 0.77, 1])
    func definitions(density: Double) throws {
        let terms = try Self.terms()
        let weights = terms.map(\.weight)
        let pruned = terms.map { Self.pruned($0.matrix.values, density) }
        let whole = terms.map { $0.matrix.values.map(Double.init) }
        #expect(
            Self.worst(try MergeMethod.sum.merged(terms, random: Self.random), Self.weightedSum(whole, weights))
                < 1.3e-7)
        #expect(
            Self.worst(
                try MergeMethod.magnitudePrune(density: density).merged(terms, random: Self.random),
                Self.weightedSum(pruned, weights)) < 1.3e-7)
        for election in MergeMethod.SignElection.allCases {
            #expect(
                Self.worst(
                    try MergeMethod.ties(density: density, election: election).merged(terms, random: Self.random),
                    Self.elected(pruned, weights, byCount: election == .frequency)) < 1.3e-7)
        }
    }

    /// What `dare` keeps of one matrix.
    static func dropped(_ term: WeightedMatrix, _ density: Double, _ random: CounterRandom) throws -> [Float] {
        try MergeMethod.dare(density: density).merged([WeightedMatrix(term.matrix)], random: random).values
    }

    @Test(arguments: [0.1, 0.5, 0.9])
    func dareKeepsAFractionAndTheMean(density: Double) throws {
        let ones = try FloatMatrix(rows: 200, columns: 500, values: [Float](repeating: 1, count: 100_000))
        let kept = try Self.dropped(WeightedMatrix(ones), density, Self.random)
        #expect(kept.allSatisfy { $0 == 0 || $0 == Float(1 / density) })
        let count = Double(kept.count { $0 != 0 })
        // Six standard deviations of the binomial count.
        #expect(abs(count - density * 100_000) < 6 * (density * (1 - density) * 100_000).squareRoot())
        // Rows are not alike: neighbouring rows agree as often as chance has it.
        let agreeing = Double((500..<100_000).count { (kept[$0] == 0) == (kept[$0 - 500] == 0) })
        let chance = density * density + (1 - density) * (1 - density)
        #expect(abs(agreeing - chance * 99_500) < 8 * (99_500.0).squareRoot())
    }

    @Test func dareIsTheDefinitionOnWhatItKeeps() throws {
        let terms = try Self.terms()
        let weights = terms.map(\.weight)
        // A matrix of ones in a term's place shows what is kept of it; the others, of zeros, add nothing.
        let masks = try terms.indices.map { place in
            let shown = try terms.enumerated().map { index, term in
                let value: Float = index == place ? 1 : 0
                return WeightedMatrix(
                    try FloatMatrix(
                        rows: 37, columns: 411, values: [Float](repeating: value, count: term.matrix.values.count)))
            }
            return try MergeMethod.dare(density: 0.5).merged(shown, random: Self.random).values
        }
        #expect(masks[0] != masks[1] && masks[1] != masks[2])
        let kept = zip(masks, terms).map { mask, term in zip(mask, term.matrix.values).map { Double($0 * $1) } }
        #expect(
            Self.worst(
                try MergeMethod.dare(density: 0.5).merged(terms, random: Self.random),
                Self.weightedSum(kept, weights)) < 3e-7)
        for election in MergeMethod.SignElection.allCases {
            #expect(
                Self.worst(
                    try MergeMethod.dareTies(density: 0.5, election: election).merged(terms, random: Self.random),
                    Self.elected(kept, weights, byCount: election == .frequency)) < 3e-7)
        }
    }

    @Test func dareFollowsItsSeed() throws {
        let terms = try Self.terms()
        func merged(_ seed: UInt64, _ name: String) throws -> FloatMatrix {
            try MergeMethod.dare(density: 0.3).merged(terms, random: CounterRandom(seed: seed, name: name))
        }
        #expect(try merged(1, "a") == merged(1, "a"))
        #expect(try merged(1, "a") != merged(2, "a"))
        #expect(try merged(1, "a") != merged(1, "b"))
        // Everything is kept at a density of 1.
        let all = try MergeMethod.dare(density: 1).merged(terms, random: Self.random)
        #expect(try all == MergeMethod.sum.merged(terms, random: Self.random))
    }

    @Test func mergesAreApproximatedWithTheirError() throws {
        let terms = try Self.terms(80, 150)
        for method in [MergeMethod.sum, .ties(density: 0.4), .dareTies(density: 0.5), .magnitudePrune(density: 0.1)] {
            let dense = try LowRankCase.wide(try method.merged(terms, random: Self.random))
            let found = try method.merged(terms, rank: .rank(20), random: Self.random)
            let error = LowRankCase.distance(dense, try LowRankCase.wide(found.factors))
            #expect(found.factors.rank == 20 && abs(found.error - error) < 1e-6 * error)
        }
        // A sum of factors is merged to the same without the dense matrices.
        let factors = try (0..<3).map {
            WeightedFactors(try LowRankCase.factored("svd \($0)", 80, 150, 3), weight: Double($0) - 0.5)
        }
        let matrices = try factors.map { WeightedMatrix(try $0.factors.dense(), weight: $0.weight) }
        let dense = try MergeMethod.sum.merged(matrices, rank: .rank(4), random: Self.random)
        let thin = try FactoredMatrix.sum(factors, resizedTo: .rank(4))
        #expect(abs(dense.error - thin.error) < 1e-3 * thin.error)
        for (a, b) in zip(dense.spectrum.values, thin.spectrum.values) {
            #expect(abs(a - b) < 1e-5 * thin.spectrum.norm)
        }
    }

    @Test func zerosStayZeros() throws {
        let zero = WeightedMatrix(
            try FloatMatrix(rows: 3, columns: 4, values: [Float](repeating: 0, count: 12)), weight: 2)
        for method in [
            MergeMethod.sum, .ties(density: 0.5), .dare(density: 0.5), .dareTies(density: 0.5),
            .magnitudePrune(density: 0.5),
        ] {
            #expect(try method.merged([zero, zero], random: Self.random).values == zero.matrix.values)
            #expect(try method.merged([zero], rank: .energy(1), random: Self.random).factors.rank == 0)
        }
    }

    @Test func refusals() throws {
        let terms = try Self.terms(2, 3)
        func code(_ method: MergeMethod, _ terms: [WeightedMatrix]) -> UD2MError.Code? {
            LowRankCase.code { _ = try method.merged(terms, random: Self.random) }
        }
        for density in [0, -0.5, 1.01, .nan, .infinity] {
            #expect(code(.ties(density: density), terms) == .mergeParameter)
            #expect(code(.dare(density: density), terms) == .mergeParameter)
            #expect(code(.dareTies(density: density), terms) == .mergeParameter)
            #expect(code(.magnitudePrune(density: density), terms) == .mergeParameter)
        }
        #expect(code(.sum, []) == .matrixShape)
        #expect(code(.sum, [terms[0], try Self.terms(3, 2)[0]]) == .matrixShape)
        #expect(code(.sum, [WeightedMatrix(terms[0].matrix, weight: .nan)]) == .mergeParameter)
        let broken = try FloatMatrix(rows: 2, columns: 3, values: [1, 2, 3, .nan, 5, 6])
        for method in [MergeMethod.sum, .ties(density: 0.1), .dare(density: 0.1), .magnitudePrune(density: 0.1)] {
            #expect(code(method, [terms[0], WeightedMatrix(broken)]) == .matrixNotFinite)
        }
        let huge = try FloatMatrix(rows: 2, columns: 3, values: [Float](repeating: 3e38, count: 6))
        #expect(code(.sum, [WeightedMatrix(huge), WeightedMatrix(huge)]) == .matrixNotFinite)
        #expect(
            LowRankCase.code { _ = try MergeMethod.sum.merged(terms, rank: .rank(0), random: Self.random) }
                == .rankChoice)
    }
}
