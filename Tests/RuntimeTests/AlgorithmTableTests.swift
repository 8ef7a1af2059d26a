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

    /// What cannot be measured of this network, one change each.
    static let nonsense: [@Sendable (inout AlgorithmTable) -> Void] = [
        { $0.entries[0].seconds["winograd9"] = 1 },
        { $0.entries[0].seconds["winograd4"] = -1 },
        { $0.entries[0].seconds["winograd4"] = .nan },
        { $0.entries[0].seconds = [:] },
        // Kernels are read where they are stored.
        { $0.entries[0].seconds["direct"] = 1 },
        { $0.entries[0].shape.inputBlocks = 63 },
        { $0.entries[0].shape.outputBlocks = -1 },
        { $0.entries[0].shape.outputBlocks = .max },
        { $0.entries[0].shape.height = 0 },
        { $0.entries[0].shape.width = 16_385 },
        { $0.entries.append($0.entries[0]) },
    ]

    @Test(arguments: nonsense.indices) func tablesOfAnotherNetworkAreRefused(_ index: Int) throws {
        var table = try adm.network().measureAlgorithms(adm.inputs(adm.golden()))
        _ = try adm.network(algorithms: table)
        Self.nonsense[index](&table)
        let error = #expect(throws: UD2MError.self) { try adm.network(algorithms: table) }
        #expect(error?.code == .algorithmTable)
        #expect(error?.remedy != nil)
    }

    @Test func shapesWithoutTimesAreLeftToTheModel() throws {
        let empty = AlgorithmTable(instructionSet: "avx2", threads: 1, entries: [])
        #expect(try output(.standard, empty) == output(.standard, nil))
    }
}
