import Foundation
import Testing
import UD2MFormats
import UD2MLoRA
import UD2MTestSupport

@Suite("task-adapter bundles")
struct BundleTests {
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    private func merged(_ adapter: Adapter, _ store: WeightStore) throws -> [String: [Float]] {
        let tensors = try store.safetensors.checkpoint().stateDicts.flatMap(\.tensors)
        return try AdapterFixture.merge([(adapter, 1)], into: AdapterBase(path: store.path, tensors: tensors))
    }

    @Test("a UD2M adapter merges out of its bundle with the bits it has outside")
    func ud2m() throws {
        let store = try BundleFixture.store(
            BundleFixture.tensors("adm/adm_a.pt"), to: folder.path("base.ud2w"))
        let adapter = try AdapterFixture.adapter("lora/ud2m.ckpt")
        let bundle = try BundleFixture.bundle(adapter, store, to: folder.path("b.ud2w"))
        #expect(try merged(bundle.adapter, store) == merged(adapter, store))
        #expect(bundle.adapter.convention == .ud2m)
        // The scale is beside the factors and not in them.
        let up = try #require(bundle.store["adapter.middle_block.1.qkv.weight.up"])
        #expect(up.shape == [96, 5] && up.elementType == .f32)
        #expect(bundle.store["adapter.middle_block.1.qkv.weight.down"]?.shape == [5, 32])
        #expect(bundle.store["adapter.out.2.weight.replacement"]?.shape == [6, 32, 3, 3])
        let target = try #require(bundle.adapter.targets.first { $0.module == "middle_block.1.qkv" })
        #expect(target.change.scale == 1.5 / 5 && target.change.alpha == 1.5)
        let stored = try #require(
            BundleFixture.tensors("lora/ud2m.ckpt").first {
                $0.name == "middle_block.1.qkv.parametrizations.weight.0.lora_A"
            })
        #expect(try up.withBytes { Array($0) } == stored.floats().withUnsafeBytes { Array($0) })
    }

    static let kinds = [
        "lora/kohya.safetensors", "lora/tucker.safetensors", "lora/dora.safetensors", "lora/loha.safetensors",
        "lora/loha_tucker.safetensors", "lora/lokr.safetensors", "lora/differences.safetensors", "lora/peft",
        "lora/peft_rslora", "lora/peft_dora", "lora/peft_transposed", "lora/diffusers.safetensors",
        "lora/diffusers_old.safetensors",
    ]

    @Test("every kind and convention has the effect it has outside", arguments: kinds)
    func kind(_ name: String) throws {
        let store = try BundleFixture.store(
            BundleFixture.tensors("lora/base.safetensors"), to: folder.path("base.ud2w"))
        let adapter = try AdapterFixture.adapter(name)
        let bundle = try BundleFixture.bundle(adapter, store, to: folder.path("b.ud2w"))
        #expect(bundle.adapter.targets.count == adapter.targets.count)
        #expect(Set(bundle.adapter.targets.map(\.change.kind)).isSubset(of: ["lora", "replacement", "difference"]))
        let (inside, outside) = (try merged(bundle.adapter, store), try merged(adapter, store))
        for (tensor, values) in outside {
            // Differences of DoRA, LoHa and LoKr are rounded once to single precision; the others keep their bits.
            for (a, b) in zip(try #require(inside[tensor]), values) { #expect(abs(a - b) <= 2e-6 * max(1, abs(b))) }
        }
    }

    @Test("what a bundle says follows the schemas, names no folders, and comes back")
    func manifest() throws {
        let store = try BundleFixture.store(
            BundleFixture.tensors("lora/base.safetensors"), to: folder.path("base.ud2w"))
        var draft = try BundleFixture.settings.draft
        draft.title = "a title"
        draft.sigma = 0.025
        draft.timesteps = [999, 250]
        draft.steps = 2
        draft.scalars = HQSScalars(sp: -0.5, tAug: 0.01)
        draft.forwardOperator = JSONObject()
        draft.forwardOperator?["version"] = 1
        draft.forwardOperator?["task"] = "deblur"
        let settings = try BundleSettings(draft)
        let bundle = try BundleFixture.bundle(
            AdapterFixture.adapter("lora/kohya.safetensors"), store, to: folder.path("b.ud2w"), settings: settings)
        #expect(bundle.manifest.settings == settings)
        #expect(bundle.manifest.base.contentID == store.contentID)
        #expect(bundle.manifest.lineage.map(\.file) == ["adapter.ckpt"])
        for (key, name) in [(BundleManifest.key, "bundle-manifest"), (AdapterManifest.key, "adapter-manifest")] {
            let schema = try JSONSchema(file: RepositoryPaths.root.appending(path: "schemas/\(name).schema.json"))
            let text = try #require(bundle.store.metadata[key])
            #expect(schema.validate(Data(text.utf8)) == [])
            #expect(schema.validate(Data(text.replacing("\"version\":1", with: "\"version\":2").utf8)) != [])
        }
        guard case .object(let step)? = bundle.store.information.lineage.first else { return #expect(Bool(false)) }
        #expect(step["base"] == store.contentID.map { .string($0) })
        let again = folder.path("again.ud2w")
        _ = try BundleFixture.bundle(
            AdapterFixture.adapter("lora/kohya.safetensors"), store, to: again, settings: settings)
        #expect(try Data(contentsOf: URL(filePath: again)) == Data(contentsOf: URL(filePath: bundle.path)))
    }

    @Test("a fat bundle holds its base, and proves that it is the one it names")
    func fat() throws {
        let tensors = try BundleFixture.tensors("lora/base.safetensors")
        let store = try BundleFixture.store(tensors, to: folder.path("base.ud2w"))
        let adapter = try AdapterFixture.adapter("lora/kohya.safetensors")
        let bundle = try BundleFixture.bundle(adapter, store, to: folder.path("fat.ud2w"), form: .fat)
        #expect(Set(bundle.base.map(\.name)) == Set(tensors.map(\.name)))
        let (manifest, description) = (
            bundle.store.metadata[BundleManifest.key], bundle.store.metadata[AdapterManifest.key]
        )
        let inside = try bundle.store.safetensors.checkpoint().stateDicts.flatMap(\.tensors)
        let path = folder.path("other.ud2w")
        let changed = inside.map { tensor in
            tensor.name == "base.block.0.linear.bias"
                ? TensorSource(tensor.name.text, [Float](repeating: 7, count: 6), shape: [6]) : tensor
        }
        try BundleFixture.write(to: path, manifest: manifest, description: description, tensors: changed)
        #expect(thrownError { try TaskBundle(path: path) }?.code == .bundleBaseOther)
    }

    @Test("two changes of one tensor, another base, and numbers that are none, are refused")
    func refusals() throws {
        let store = try BundleFixture.store(
            BundleFixture.tensors("lora/base.safetensors"), to: folder.path("base.ud2w"))
        func code(_ tensors: [TensorSource]) -> UD2MError.Code? {
            thrownError {
                try BundleFixture.bundle(
                    AdapterFixture.adapter(tensors), store, to: folder.path("refused.ud2w"))
            }?.code
        }
        let up = TensorSource("unet.block.0.linear.lora_B.weight", [1, 2, 3, 4, 5, 6], shape: [6, 1])
        let down = TensorSource("unet.block.0.linear.lora_A.weight", [1, 2, 3, 4], shape: [1, 4])
        let twice = [up, down].map { tensor in
            var other = tensor
            other.name = TensorName(String(tensor.name.text.dropFirst("unet.".count)))
            return other
        }
        #expect(code([up, down] + twice) == .adapterNameAmbiguous)
        #expect(code([up, TensorSource(down.name.text, [1, 2, 3], shape: [1, 3])]) == .adapterBaseMismatch)
        #expect(code([up, TensorSource(down.name.text, [1, .nan, 3, 4], shape: [1, 4])]) == .adapterNotFinite)
        #expect(try folder.names() == ["base.ud2w"])
    }
}
