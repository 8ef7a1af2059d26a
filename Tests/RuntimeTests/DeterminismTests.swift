import Testing
import UD2MRuntime

/// The same inputs give the same bytes, whatever else is going on.
@Suite struct DeterminismTests {
    @Test(arguments: ADMCase.all) func threadCountDoesNotMatter(_ adm: ADMCase) throws {
        let inputs = try adm.inputs(adm.golden())
        let one = try adm.network(threads: 1).run(inputs)
        for threads in [2, 3] {
            let network = try adm.network(threads: threads)
            #expect(network.threads == threads)
            #expect(try network.run(inputs) == one)
        }
    }

    @Test(arguments: ADMCase.all) func batchDoesNotMatter(_ adm: ADMCase) throws {
        let network = try adm.network()
        let inputs = try adm.inputs(adm.golden())
        let taps = ["middle_block.1", "time_embed"]
        let both = try network.run(inputs, taps: taps)
        for item in 0..<2 {
            let single = try network.run(inputs.mapValues { try $0.item(item) }, taps: taps)
            for (name, tensor) in single { #expect(tensor == (try #require(both[name]).item(item)), "\(name)") }
        }
    }

    /// More items than run together, in turns of different lengths, and a smaller batch with a larger one's plan.
    @Test func batchesMayHaveAnySize() throws {
        let adm = ADMCase.all[0]
        let network = try adm.network()
        let inputs = try adm.inputs(adm.golden())
        func batch(_ count: Int) throws -> [String: Tensor] {
            try inputs.mapValues { tensor in
                let items = try (0..<count).map { try tensor.item($0 % 2) }
                return try Tensor(shape: [count] + tensor.shape.dropFirst(), values: items.flatMap(\.values))
            }
        }
        let two = try #require(try network.run(inputs)["out"])
        for count in [1, 5, 3, 19] {
            let out = try #require(try network.run(batch(count))["out"])
            for item in 0..<count { #expect(try out.item(item) == two.item(item % 2)) }
        }
    }

    /// Plans share one arena; a plan must not be left with addresses of an arena that was replaced.
    @Test func imageSizesMayAlternate() throws {
        let adm = ADMCase.all[0]
        let network = try adm.network()
        let small = try adm.inputs(adm.golden())
        let first = try network.run(small)
        let memory = network.memoryInUse
        let large = [
            "x": try Tensor(shape: [1, 3, 80, 48], repeating: 0.25), "t": try Tensor(shape: [1], values: [10]),
        ]
        let second = try network.run(large)
        #expect(second["out"]?.shape == [1, 6, 80, 48])
        #expect(network.memoryInUse > memory)
        #expect(try network.run(small) == first)
        #expect(try network.run(large) == second)
    }

    @Test func concurrentRunsTakeTurns() async throws {
        let adm = ADMCase.all[0]
        let network = try adm.network()
        let inputs = try adm.inputs(adm.golden())
        let reference = try network.run(inputs)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 { group.addTask { try network.run(inputs) == reference } }
            for try await isEqual in group { #expect(isEqual) }
        }
    }
}

extension Tensor {
    /// One item of a batch, as a batch of one.
    func item(_ index: Int) throws -> Tensor {
        let count = values.count / shape[0]
        return try Tensor(
            shape: [1] + shape.dropFirst(), values: Array(values[index * count..<(index + 1) * count]))
    }
}
