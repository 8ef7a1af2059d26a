import Foundation
import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// Adapters merged into networks and beside them.
@Suite struct AdapterTests {
    /// See `NetworkGoldenTests`.
    private let tolerance = NetworkGoldenTests.tolerance
    private let adm = AdapterCase.adm

    /// The network alone, and with adapters merged in.
    private func networks(_ selections: [AdapterSelection], precision: Precision = .standard) throws -> (
        base: Network, merged: Network
    ) {
        let folder = try TemporaryDirectory()
        let path = folder.path("weights.ud2w")
        _ = try WeightStoreWriter(
            tensors: adm.weights(), information: StoreMetadata(architecture: .adm(adm.configuration))
        ).write(to: path)
        return try withExtendedLifetime(folder) {
            let store = try WeightStore(path: path)
            return (
                try Network(store: store, threads: 2, precision: precision),
                try Network(store: store, threads: 2, precision: precision, merging: selections)
            )
        }
    }

    private func inputs() throws -> [String: Tensor] { try adm.inputs(adm.golden()) }

    private func difference(_ left: [String: Tensor], _ right: [String: Tensor]) throws -> Float {
        largestDifference(try #require(left["out"]).values, try #require(right["out"]).values)
    }

    // MARK: Goldens

    @Test(arguments: Precision.allCases) func ud2mCheckpoint(_ precision: Precision) throws {
        let golden = try Golden("lora/ud2m.io.safetensors")
        let inputs = ["x": try golden.tensor("x"), "t": try golden.tensor("t")]
        let reference = ["out": try golden.tensor("out")]
        let selections = [AdapterSelection(try AdapterCase.ud2m())]
        let (base, merged) = try networks(selections, precision: precision)
        let set = try base.adapterSet(selections)
        let (one, other) = (try merged.run(inputs), try base.run(inputs, adapters: .all(set)))
        // Kernels of eleven bits: see `PrecisionTests`.
        let tolerance = precision == .halfWeights ? 1e-2 : tolerance
        #expect(try difference(one, reference) < tolerance)
        #expect(try difference(other, reference) < tolerance)
        #expect(try difference(one, other) < tolerance)
        #expect(try difference(base.run(inputs), reference) > 0.05)
    }

    /// UD2M's factors for the DDPM, read from a store as bundles are.
    @Test func ddpmStore() throws {
        let golden = try Golden("lora/ddpm.safetensors")
        let inputs = ["x": try golden.tensor("x"), "t": try golden.tensor("t")]
        let reference = ["out": try golden.tensor("out")]
        let path = RepositoryPaths.fixtures.appending(path: "lora/ddpm.safetensors").path(percentEncoded: false)
        let adapter = try NetworkAdapter(store: WeightStore(path: path))
        #expect(adapter.changes.count == 18)
        let network = try GoldenNetwork.ddpm.load()
        let set = try network.adapterSet([AdapterSelection(adapter)])
        #expect(try difference(network.run(inputs, adapters: .all(set)), reference) < tolerance)
        #expect(try difference(network.run(inputs), reference) > 0.05)
    }

    // MARK: Layers of every kind

    /// Ranks below, at and above a block of sixteen, on layers with residuals, concatenations, enlargements and vectors.
    @Test(arguments: [1, 5, 16, 20]) func sidePathIsTheMerge(_ rank: Int) throws {
        let norm = "out.0.weight"
        let adapter = try AdapterCase.made(
            "a", rank: rank, layers: AdapterCase.everyKind,
            whole: [
                norm: .difference(try AdapterCase.numbers(norm, [32]), scale: 0.25),
                "out.2.bias": .replacement(try AdapterCase.numbers("out.2.bias", [6])),
            ])
        let selections = [AdapterSelection(adapter, weight: 0.7)]
        let (base, merged) = try networks(selections)
        let set = try base.adapterSet(selections)
        let inputs = try inputs()
        let taps = ["middle_block.1.qkv", "input_blocks.1.0.in_layers", "time_embed", "output_blocks.1"]
        let (one, other) = (
            try merged.run(inputs, taps: taps), try base.run(inputs, taps: taps, adapters: .all(set))
        )
        for (name, tensor) in one {
            // The changes make activations of some tens.
            let scale = max(1, tensor.values.map(abs).max() ?? 1)
            let difference = largestDifference(tensor.values, try #require(other[name]).values)
            #expect(difference < tolerance * scale, "\(name)")
        }
        #expect(try difference(base.run(inputs), other) > 0.1)
        // Without taps everything that can be folded is.
        let out = try #require(one["out"])
        let scale = max(1, out.values.map(abs).max() ?? 1)
        #expect(try difference(base.run(inputs, adapters: .all(set)), one) < tolerance * scale)
    }

    @Test func severalAdaptersAddUp() throws {
        let first = try AdapterCase.made("a", rank: 3, layers: AdapterCase.everyKind)
        let second = try AdapterCase.made(
            "b", rank: 7, layers: AdapterCase.attention,
            whole: ["out.2.weight": .replacement(try AdapterCase.numbers("out.2.weight", [6, 32, 3, 3]))])
        let selections = [AdapterSelection(first, weight: 0.4), AdapterSelection(second, weight: -0.5)]
        let (base, merged) = try networks(selections)
        let inputs = try inputs()
        let together = try base.run(inputs, adapters: .all(base.adapterSet(selections)))
        let scale = max(1, try #require(together["out"]).values.map(abs).max() ?? 1)
        #expect(try difference(merged.run(inputs), together) < tolerance * scale)
        // Merging one and applying the other beside it is the same once more.
        let (_, half) = try networks([selections[0]])
        let set = try half.adapterSet([selections[1]])
        #expect(try difference(half.run(inputs, adapters: .all(set)), together) < tolerance * scale)
        // Weight 0 is the network alone, bit for bit.
        let nothing = try base.adapterSet([AdapterSelection(first, weight: 0)])
        #expect(try base.run(inputs, adapters: .all(nothing)) == base.run(inputs))
    }

    // MARK: Batches and switching

    /// Sets of one structure and of others in one batch give each item the bytes it has alone.
    @Test func batchesMixAdapters() throws {
        let (base, _) = try networks([])
        let layers = AdapterCase.everyKind
        func set(_ key: String, _ rank: Int, _ layers: [String]) throws -> AdapterSet {
            let bias = try AdapterCase.numbers("\(key).bias", [6])
            return try base.adapterSet([
                AdapterSelection(
                    try AdapterCase.made(key, rank: rank, layers: layers, whole: ["out.2.bias": .replacement(bias)]))
            ])
        }
        let sets: [AdapterSet?] = [
            try set("a", 5, layers), nil, try set("b", 3, layers), try set("c", 5, AdapterCase.attention),
            try set("a", 5, layers), try base.adapterSet([]), try set("d", 18, layers),
        ]
        let golden = try inputs()
        let batch = try golden.mapValues { tensor in
            let items = try sets.indices.map { try tensor.item($0 % 2) }
            return try Tensor(shape: [sets.count] + tensor.shape.dropFirst(), values: items.flatMap(\.values))
        }
        let taps = ["middle_block.1", "time_embed"]
        let mixed = try base.run(batch, taps: taps, adapters: .each(sets))
        for (item, set) in sets.enumerated() {
            let alone = try base.run(batch.mapValues { try $0.item(item) }, taps: taps, adapters: .each([set]))
            for (name, tensor) in alone { #expect(tensor == (try #require(mixed[name]).item(item)), "\(name) \(item)") }
        }
        #expect(try #require(mixed["out"]).item(0) != mixed["out"]?.item(2))
        #expect(try #require(mixed["out"]).item(0) == mixed["out"]?.item(4))
    }

    @Test func switchingBackGivesTheSameBytes() throws {
        let inputs = try inputs()
        var results: [[String: Tensor]] = []
        for threads in [1, 3] {
            let network = try adm.network(threads: threads)
            let alone = try network.run(inputs)
            let sets = try ["a", "b"].map { key in
                try network.adapterSet([
                    AdapterSelection(try AdapterCase.made(key, rank: 5, layers: AdapterCase.everyKind))
                ])
            }
            let first = try network.run(inputs, adapters: .all(sets[0]))
            let second = try network.run(inputs, adapters: .all(sets[1]))
            #expect(first != second && first != alone)
            #expect(try network.run(inputs, adapters: .all(sets[0])) == first)
            #expect(try network.run(inputs) == alone)
            // A larger image replaces the memory that plans are bound to.
            _ = try network.run([
                "x": Tensor(shape: [1, 3, 64, 64], repeating: 0.5), "t": Tensor(shape: [1], values: [3]),
            ])
            #expect(try network.run(inputs, adapters: .all(sets[1])) == second)
            results += [alone, first, second]
        }
        // Whatever the number of threads.
        #expect(Array(results[..<3]) == Array(results[3...]))
    }

    /// A set holds the adapter's numbers, in blocks of sixteen, and nothing of the network.
    @Test func setsHoldNoWeightsOfTheNetwork() throws {
        let network = try adm.network()
        let before = network.memoryInUse
        let layer = "middle_block.1.qkv.weight"
        let set = try network.adapterSet([AdapterSelection(try AdapterCase.made("a", rank: 5, layers: [layer]))])
        // D: 16 rows of 32 inputs; U: 96 rows of 16 columns.
        #expect(set.byteCount == 4 * (16 * 32 + 96 * 16))
        #expect(network.memoryInUse == before)
    }
}
