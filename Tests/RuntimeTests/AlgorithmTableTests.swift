import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// Measured algorithms in place of the cost model's.
@Suite struct AlgorithmTableTests {
    private let adm = ADMCase.all[0]

    private func output(_ precision: Precision, _ table: AlgorithmTable?) throws -> [Float] {
        let network = try adm.network(precision: precision, algorithms: table)
        return try #require(try network.run(adm.inputs(adm.golden()))["out"]).values
    }

    /// The measured table with the time of one algorithm set for every shape.
    private func table(favouring name: String) throws -> AlgorithmTable {
        var table = try adm.network().measureAlgorithms(adm.inputs(adm.golden()))
        for index in table.entries.indices { table.entries[index].seconds[name] = 0 }
        return table
    }

    @Test func everyShapeIsMeasuredOnce() throws {
        let table = try adm.network().measureAlgorithms(adm.inputs(adm.golden()))
        #expect(Set(table.entries.map(\.shape)).count == table.entries.count)
        #expect(table.entries.count >= 5)
        for entry in table.entries {
            // Kernels are read where they are stored, which the direct algorithm cannot.
            #expect(entry.seconds.keys.sorted() == ["winograd2", "winograd4"])
            #expect(entry.seconds.values.allSatisfy { $0 > 0 })
        }
    }

    @Test func theTableDecidesWithinThePrecision() throws {
        let strict = try output(.strict, nil)
        #expect(try output(.standard, table(favouring: "winograd2")) == strict)
        #expect(try output(.standard, table(favouring: "winograd4")) != strict)
        #expect(try output(.strict, table(favouring: "winograd4")) == strict)
    }

    @Test func shapesWithoutTimesAreLeftToTheModel() throws {
        let empty = AlgorithmTable(instructionSet: "avx2", threads: 1, entries: [])
        #expect(try output(.standard, empty) == output(.standard, nil))
    }
}
