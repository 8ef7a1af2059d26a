import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// What adapters are refused for.
@Suite struct AdapterErrorTests {
    private static let layer = "middle_block.1.qkv.weight"

    private func expect(
        _ code: UD2MError.Code, tensor: String? = nil, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () throws -> Void
    ) {
        let error = #expect(throws: UD2MError.self, sourceLocation: sourceLocation) { try body() }
        #expect(error?.code == code, sourceLocation: sourceLocation)
        #expect(error?.location.tensor == tensor, sourceLocation: sourceLocation)
    }

    private func lowRank(_ up: [Int], _ down: [Int], scale: Double = 1) throws -> WeightChange {
        .lowRank(up: try Tensor(shape: up, repeating: 1), down: try Tensor(shape: down, repeating: 1), scale: scale)
    }

    @Test func changesThatAreWrongByThemselves() throws {
        expect(.changeRank, tensor: Self.layer) {
            _ = try NetworkAdapter(changes: [Self.layer: lowRank([96, 0], [0, 32])])
        }
        expect(.changeShape, tensor: Self.layer) {
            _ = try NetworkAdapter(changes: [Self.layer: lowRank([96, 2], [3, 32])])
        }
        expect(.changeShape, tensor: Self.layer) {
            _ = try NetworkAdapter(changes: [Self.layer: lowRank([96, 2, 1], [2, 32])])
        }
        expect(.changeNotFinite, tensor: Self.layer) {
            _ = try NetworkAdapter(changes: [Self.layer: lowRank([96, 2], [2, 32], scale: .nan)])
        }
        expect(.changeNotFinite, tensor: "out.2.bias") {
            _ = try NetworkAdapter(changes: [
                "out.2.bias": .replacement(Tensor(shape: [6], values: [0, 1, .nan, 2, 3, 4]))
            ])
        }
    }

    @Test func changesThatDoNotFitTheNetwork() throws {
        let network = try AdapterCase.adm.network(threads: 1)
        func set(_ changes: [String: WeightChange], weight: Double = 1) throws {
            _ = try network.adapterSet([AdapterSelection(try NetworkAdapter(changes: changes), weight: weight)])
        }
        expect(.changeUnknown, tensor: "nowhere.weight") { try set(["nowhere.weight": lowRank([96, 2], [2, 32])]) }
        expect(.changeShape, tensor: Self.layer) { try set([Self.layer: lowRank([32, 2], [2, 96])]) }
        expect(.changeShape, tensor: "out.2.bias") {
            try set(["out.2.bias": .difference(Tensor(shape: [3], repeating: 1), scale: 1)])
        }
        expect(.changeNotFinite) { try set([Self.layer: lowRank([96, 2], [2, 32])], weight: .infinity) }
        expect(.changeNotFinite, tensor: Self.layer) {
            try set([Self.layer: lowRank([96, 2], [2, 32])], weight: 1e300)
        }
        // Merging checks the same.
        let folder = try TemporaryDirectory()
        let path = folder.path("weights.ud2w")
        _ = try WeightStoreWriter(
            tensors: AdapterCase.adm.weights(),
            information: StoreMetadata(architecture: .adm(AdapterCase.adm.configuration))
        ).write(to: path)
        expect(.changeShape, tensor: Self.layer) {
            let adapter = try NetworkAdapter(changes: [Self.layer: lowRank([32, 2], [2, 96])])
            _ = try Network(store: WeightStore(path: path), threads: 1, merging: [AdapterSelection(adapter)])
        }
    }

    /// Inception's convolutions hold their normalisation.
    @Test func foldedNormalisation() throws {
        let network = try GoldenNetwork.inception().load(threads: 1)
        let weight = try #require(
            try Network.requiredWeights(GoldenNetwork.inception().architecture).first { $0.shape.count == 4 })
        let change = try lowRank([weight.shape[0], 1], [1, weight.shape.dropFirst().reduce(1, *)])
        expect(.changeUnsupported, tensor: weight.name) {
            _ = try network.adapterSet([AdapterSelection(try NetworkAdapter(changes: [weight.name: change]))])
        }
    }

    /// VGG's activations are part of its convolutions, so that the set holds the changed kernels.
    @Test func layersWithActivations() throws {
        let network = try GoldenNetwork.vgg.load(threads: 1)
        let weight = try #require(
            try Network.requiredWeights(GoldenNetwork.vgg.architecture).first { $0.shape.count == 4 })
        let change = try lowRank([weight.shape[0], 1], [1, weight.shape.dropFirst().reduce(1, *)], scale: 0.01)
        let set = try network.adapterSet([AdapterSelection(try NetworkAdapter(changes: [weight.name: change]))])
        #expect(set.byteCount >= 4 * weight.shape.reduce(1, *))
        let inputs = ["x": try Tensor(shape: [1, 3, 32, 32], repeating: 0.5)]
        #expect(try network.run(inputs, adapters: .all(set)) != network.run(inputs))
    }

    @Test func setsOfOtherNetworksAndBatches() throws {
        let (one, other) = (try AdapterCase.adm.network(threads: 1), try AdapterCase.adm.network(threads: 1))
        let set = try one.adapterSet([AdapterSelection(try AdapterCase.ud2m())])
        let inputs = try AdapterCase.adm.inputs(AdapterCase.adm.golden())
        expect(.adapterSet) { _ = try other.run(inputs, adapters: .all(set)) }
        expect(.adapterSet) { _ = try one.run(inputs, adapters: .each([set])) }
        expect(.adapterSet) { _ = try one.run(inputs, adapters: .each([set, nil, nil])) }
    }

    @Test func storesWithoutAnAdapter() throws {
        let folder = try TemporaryDirectory()
        func open(_ manifest: String?, tensors: [String: [Int]] = ["b": [1]]) throws {
            let path = folder.path("adapter\(UInt64.random(in: 0...UInt64.max)).ud2w")
            var information = StoreMetadata()
            if let manifest { information.other[NetworkAdapter.manifestKey] = manifest }
            let inputs = tensors.sorted { $0.key < $1.key }.map {
                TensorInput(
                    name: TensorName($0.key), shape: $0.value, floats: Array(repeating: 1, count: $0.value.reduce(1, *))
                )
            }
            _ = try WeightStoreWriter(tensors: inputs, information: information).write(to: path)
            _ = try NetworkAdapter(store: WeightStore(path: path))
        }
        func manifest(_ kind: String) -> String {
            #"{"version":1,"targets":[{"module":"a","parameter":"weight","kind":"\#(kind)","scale":0.5}]}"#
        }
        expect(.changeManifest) { try open(nil) }
        expect(.changeManifest) { try open("[]") }
        expect(.changeManifest) { try open(#"{"targets":[{"module":"a"}]}"#) }
        expect(.changeManifest, tensor: "a.weight") { try open(manifest("dora")) }
        expect(.weightMissing, tensor: "adapter.a.weight.down") {
            try open(manifest("lora"), tensors: ["adapter.a.weight.up": [3, 1]])
        }
        expect(.changeShape, tensor: "a.weight") {
            try open(manifest("lora"), tensors: ["adapter.a.weight.up": [3, 1], "adapter.a.weight.down": [2, 4]])
        }
        try open(manifest("lora"), tensors: ["adapter.a.weight.up": [3, 2], "adapter.a.weight.down": [2, 4]])
    }
}
