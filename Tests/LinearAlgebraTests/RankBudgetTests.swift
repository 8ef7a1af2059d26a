import Testing
import UD2MFormats
import UD2MLinearAlgebra
import UD2MTestSupport

/// Ranks under a budget against the best of all ways to spend it.
@Suite struct RankBudgetTests {
    static func layer(_ values: [Double], cost: Int) -> RankBudget.Layer {
        let spectrum = Spectrum(
            values: values, energy: values.reduce(0) { $0 + $1 * $1 }, fullRank: values.count, isComplete: true)
        return RankBudget.Layer(spectrum: spectrum, parametersPerRank: cost)
    }

    @Test func equalCostsTakeTheLargestValues() throws {
        let layers = [
            Self.layer([9, 4, 1], cost: 10), Self.layer([8, 7, 6, 0], cost: 10),
            Self.layer([0.5], cost: 10),
        ]
        #expect(try RankBudget.ranks(of: layers, parameters: 9) == [0, 0, 0])
        #expect(try RankBudget.ranks(of: layers, parameters: 10) == [1, 0, 0])
        #expect(try RankBudget.ranks(of: layers, parameters: 49) == [1, 3, 0])
        #expect(try RankBudget.ranks(of: layers, parameters: 50) == [2, 3, 0])
        // The value of 0 is never paid for.
        #expect(try RankBudget.ranks(of: layers, parameters: 1000) == [3, 3, 1])
    }

    @Test("a value counts by the energy it adds for each parameter")
    func costsDecide() throws {
        let layers = [Self.layer([3, 3], cost: 100), Self.layer([1, 1], cost: 10)]
        // 9/100 is less than 1/10.
        #expect(try RankBudget.ranks(of: layers, parameters: 100) == [0, 2])
        #expect(try RankBudget.ranks(of: layers, parameters: 120) == [1, 2])
        #expect(try RankBudget.ranks(of: layers, parameters: 219) == [1, 2])
    }

    @Test("with equal costs no other choice of ranks has a smaller error")
    func bestOfAll() throws {
        let spectra = (0..<3).map { index in
            PortableWeights.uniform("budget \(index)", count: 4).map { Double($0) + 0.6 }.sorted(by: >)
        }
        let layers = spectra.map { Self.layer($0, cost: 7) }
        func error(_ ranks: [Int]) -> Double {
            zip(layers, ranks).reduce(0) { $0 + $1.0.spectrum.energy(beyond: $1.1) }
        }
        for budget in stride(from: 7, through: 84, by: 7) {
            let found = try RankBudget.ranks(of: layers, parameters: budget)
            #expect(found.reduce(0, +) * 7 <= budget)
            for a in 0...4 {
                for b in 0...4 {
                    for c in 0...4 where (a + b + c) * 7 <= budget {
                        #expect(error(found) <= error([a, b, c]) + 1e-12)
                    }
                }
            }
        }
    }

    @Test func refusals() throws {
        let layer = Self.layer([1], cost: 1)
        #expect(LowRankCase.code { _ = try RankBudget.ranks(of: [layer], parameters: 0) } == .rankChoice)
        let free = RankBudget.Layer(spectrum: layer.spectrum, parametersPerRank: 0)
        #expect(LowRankCase.code { _ = try RankBudget.ranks(of: [free], parameters: 5) } == .rankChoice)
        #expect(try RankBudget.ranks(of: [], parameters: 5) == [])
    }
}
