import Foundation
import UD2MFormats
import UD2MLoRA
import UD2MTestSupport

/// Bundles and bases made for tests.
enum BundleFixture {
    /// Writes the store of a network.
    static func store(_ tensors: [TensorSource], to path: String) throws -> WeightStore {
        _ = try WeightStoreWriter(tensors: tensors.map { TensorInput($0) }).write(to: path)
        return try WeightStore(path: path)
    }

    /// The tensors of a fixture.
    static func tensors(_ name: String) throws -> [TensorSource] {
        try Checkpoint.open(path: AdapterFixture.path(name)).stateDicts.first?.tensors ?? []
    }

    /// The network of a store, as a bundle takes it.
    static func base(_ store: WeightStore) throws -> BundleWriter.Base {
        BundleWriter.Base(
            record: BundleBase(
                contentID: store.contentID ?? "", family: nil, name: "network", signature: try store.shapeSignature()),
            tensors: try store.safetensors.checkpoint().stateDicts.flatMap(\.tensors), aliases: store.aliases)
    }

    /// Settings of which only what must be said is.
    static var settings: BundleSettings {
        get throws {
            var draft = BundleSettings.Draft()
            draft.name = "test"
            draft.task = "deblur"
            return try BundleSettings(draft)
        }
    }

    /// Makes a bundle of an adapter over a store, and opens it.
    static func bundle(
        _ adapter: Adapter, _ store: WeightStore, to path: String, form: BundleManifest.Form = .thin,
        settings: BundleSettings? = nil
    ) throws -> TaskBundle {
        let base = try base(store)
        let binding = try AdapterBinding(adapter, to: AdapterBase(path: store.path, tensors: base.tensors))
        _ = try BundleWriter(
            binding, settings: settings ?? Self.settings, base: base, form: form,
            lineage: [.init(role: .adapter, path: "/home/somebody/adapter.ckpt", sha256: nil)]
        ).write(to: path)
        return try TaskBundle(path: path)
    }

    // MARK: Bundles by hand

    /// A manifest that is sound, as JSON.
    static let manifest = #"""
        {"version": 1, "kind": "task-adapter", "name": "n", "task": "sr", "steps": 3, "iterations": 3,
         "schedule": "linear", "flavour": "exact", "eta": 0.8, "usesRAM": false, "form": "thin", "lineage": [],
         "base": {"content": "CONTENT", "name": "b", "signature": "CONTENT"}}
        """#.replacing("CONTENT", with: String(repeating: "0a", count: 32))
    /// The description of an adapter with one change of each kind, as JSON.
    static let description = #"""
        {"version": 1, "convention": "ud2m", "targets": [
         {"module": "a", "parameter": "weight", "kind": "lora", "rank": 1, "alpha": 1.5, "scale": 1.5, "shape": [3, 2]},
         {"module": "b", "parameter": "bias", "kind": "replacement", "scale": 1, "shape": [2, 1]},
         {"module": "", "parameter": "c", "kind": "difference", "scale": 0.5, "shape": [2, 2]}]}
        """#
    /// Its tensors.
    static let shapes: [(String, [Int])] = [
        ("adapter.a.weight.up", [3, 1]), ("adapter.a.weight.down", [1, 2]), ("adapter.b.bias.replacement", [2]),
        ("adapter.c.difference", [2, 2]),
    ]

    /// Writes a store with these texts and tensors, whatever they say.
    static func write(
        to path: String, manifest: String? = manifest, description: String? = description,
        tensors: [TensorSource]? = nil
    ) throws {
        var pairs: [String: String] = [:]
        pairs[BundleManifest.key] = manifest
        pairs[AdapterManifest.key] = description
        let tensors = tensors ?? shapes.map { TensorSource($0.0, AdapterFixture.numbers($0.0, $0.1), shape: $0.1) }
        _ = try WeightStoreWriter(
            tensors: tensors.map { TensorInput($0) }, information: StoreMetadata(other: pairs)
        ).write(to: path)
    }
}
