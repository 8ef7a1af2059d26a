import CUD2MAllocations
import Testing
import UD2MRuntime
import UD2MTestSupport

/// What a run on a plan that exists already takes from the heap.
@Suite struct AllocationTests {
    static let areCounted = ud2m_allocations() >= 0

    /// The result is a dictionary, a shape and the values; beside it a run makes the list of its images' sizes and that of
    /// its outputs. The steps take nothing.
    @Test(.enabled(if: areCounted), arguments: [ADMCase.all[0], ADMCase.all[1]])
    func runsTakeTheirResultsAndNoMore(_ adm: ADMCase) throws {
        let inputs = try adm.inputs(adm.golden())
        let network = try adm.network()
        for _ in 0..<2 { _ = try network.run(inputs) }
        let before = ud2m_allocations()
        let results = try network.run(inputs)
        let taken = ud2m_allocations() - before
        #expect(results.count == 1)
        #expect((3...8).contains(taken), "\(taken)")
    }

    @Test(.enabled(if: areCounted)) func allocationsAreCounted() {
        let before = ud2m_allocations()
        let list = [Float](repeating: 1, count: 1000 + Int(before % 2))
        #expect(ud2m_allocations() > before && !list.isEmpty)
    }
}
