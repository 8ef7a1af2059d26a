import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// Adapters merged into networks on a device and beside them.
@Suite(.enabled(if: TestDevice.isAvailable)) struct CUDAAdapterTests {
    private let adm = AdapterCase.adm

    private func store() throws -> WeightStore { try TestDevice.store(.adm(adm.configuration), adm.weights()) }

    private func inputs() throws -> [String: Tensor] {
        try adm.inputs(adm.golden()).mapValues { try $0.item(0) }
    }

    /// UD2M's factors, as its training left them.
    @Test func ud2mCheckpoint() throws {
        let golden = try Golden("lora/ud2m.io.safetensors")
        let inputs = ["x": try golden.tensor("x"), "t": try golden.tensor("t")]
        let reference = try golden.tensor("out")
        let selections = [AdapterSelection(try AdapterCase.ud2m())]
        let merged = try TestDevice.networks(store(), merging: selections).device
        let base = try TestDevice.networks(store()).device
        let set = try base.adapterSet(selections)
        #expect(set.byteCount > 0)
        #expect(relativeDifference(try merged.run(inputs)["out"], reference) < 1e-4)
        #expect(relativeDifference(try base.run(inputs, adapters: .all(set))["out"], reference) < 1e-4)
        #expect(relativeDifference(try base.run(inputs)["out"], reference) > 0.05)
    }

    /// Layers of every kind, ranks that are no whole block, and tensors that are changed as a whole.
    @Test func sidePathIsTheMerge() throws {
        let norm = "out.0.weight"
        let adapter = try AdapterCase.made(
            "a", rank: 5, layers: AdapterCase.everyKind,
            whole: [
                norm: .difference(try AdapterCase.numbers(norm, [32]), scale: 0.25),
                "out.2.bias": .replacement(try AdapterCase.numbers("out.2.bias", [6])),
            ])
        let selections = [AdapterSelection(adapter, weight: 0.7)]
        let networks = try TestDevice.networks(store())
        let expected = try networks.host.run(inputs(), adapters: .all(networks.host.adapterSet(selections)))
        let found = try networks.device.run(inputs(), adapters: .all(networks.device.adapterSet(selections)))
        #expect(relativeDifference(found["out"], expected["out"]) < 1e-4)
        let merged = try TestDevice.networks(store(), merging: selections).device
        #expect(relativeDifference(try merged.run(inputs())["out"], expected["out"]) < 1e-4)
    }

    /// Sets of one structure share a plan and its graph; each item gets its own.
    @Test func itemsHaveTheirOwnAdapters() throws {
        let network = try TestDevice.networks(store(), .f16).device
        func set(_ key: String, _ rank: Int) throws -> AdapterSet {
            try network.adapterSet([
                AdapterSelection(try AdapterCase.made(key, rank: rank, layers: AdapterCase.attention))
            ])
        }
        let sets: [AdapterSet?] = [try set("a", 5), nil, try set("b", 3), try set("a", 5), try network.adapterSet([])]
        let one = try inputs()
        let batch = try one.mapValues { item in try Tensor.batch(sets.map { _ in item }) }
        let mixed = try #require(try network.run(batch, adapters: .each(sets))["out"])
        for (item, set) in sets.enumerated() {
            #expect(try network.run(one, adapters: .each([set]))["out"] == mixed.item(item), "\(item)")
        }
        #expect(try mixed.item(0) == mixed.item(3))
        #expect(try mixed.item(1) == mixed.item(4))
        #expect(try mixed.item(0) != mixed.item(1))
        #expect(try mixed.item(0) != mixed.item(2))
    }

    @Test func setsOfOtherNetworksAreRefused() throws {
        let networks = try TestDevice.networks(store())
        let set = try networks.host.adapterSet([
            AdapterSelection(try AdapterCase.made("a", rank: 2, layers: AdapterCase.attention))
        ])
        let error = #expect(throws: UD2MError.self) { try networks.device.run(inputs(), adapters: .all(set)) }
        #expect(error?.code == .adapterSet)
    }
}
