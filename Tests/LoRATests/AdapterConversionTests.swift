import Foundation
import Testing
import UD2MFormats
import UD2MLoRA
import UD2MTestSupport

@Suite("adapters in other conventions")
struct AdapterConversionTests {
    /// Writes a conversion and reads it back.
    private func written(
        _ adapter: Adapter, _ convention: AdapterConvention, base: AdapterBase? = nil,
        change: (inout AdapterConversion.Options) -> Void = { _ in }
    ) throws -> Adapter {
        var options = AdapterConversion.Options(convention: convention)
        change(&options)
        let conversion = try AdapterConversion(adapter, options: options, base: base)
        let folder = try TemporaryDirectory()
        let path = folder.path("adapter_model.safetensors")
        try SafetensorsFile.write(to: path, tensors: conversion.tensors, metadata: conversion.metadata)
        if let configuration = conversion.configuration {
            try Data(configuration.canonicalText().utf8).write(to: URL(filePath: folder.path("adapter_config.json")))
        }
        let adapter = try Adapter(AdapterFile(path: folder.url.path(percentEncoded: false)))
        // The file stays mapped after the folder is gone.
        return withExtendedLifetime(folder) { adapter }
    }

    /// An adapter's factors by module: bytes and shapes as matrices.
    private func contents(_ adapter: Adapter) throws -> [String: [[Float]]] {
        try Dictionary(
            adapter.targets.map { target in
                (
                    target.tensorName.text,
                    try target.change.tensors.map { try $0.floats() } + [[Float(target.change.scale)]]
                )
            }, uniquingKeysWith: { first, _ in first })
    }

    @Test("UD2M's factors go to every convention and come back bit for bit", arguments: AdapterConvention.allCases)
    func roundTrip(_ convention: AdapterConvention) throws {
        let adapter = try AdapterFixture.adapter("lora/ud2m.ckpt")
        let base = try AdapterFixture.base("adm/adm_a.pt")
        for base in [nil, base] {
            let other = try written(adapter, convention, base: base) { $0.dropsOthers = true }
            #expect(other.convention == convention)
            #expect(other.notes.isEmpty)
            let back = try written(other, .ud2m)
            #expect(back.convention == .ud2m)
            let expected = try contents(adapter).filter { name, _ in
                convention == .ud2m || convention == .peft || !name.hasPrefix("out.")
            }
            #expect(try contents(back) == expected)
        }
    }

    @Test("a converted adapter merges to the same bits", arguments: AdapterConvention.allCases)
    func sameMerge(_ convention: AdapterConvention) throws {
        let adapter = try AdapterFixture.adapter("lora/ud2m.ckpt")
        let base = try AdapterFixture.base("adm/adm_a.pt")
        let other = try written(adapter, convention, base: base) { $0.dropsOthers = true }
        let (a, b) = (
            try AdapterFixture.merge([(adapter, 1)], into: base), try AdapterFixture.merge([(other, 1)], into: base)
        )
        for target in other.targets { #expect(a[target.tensorName.text] == b[target.tensorName.text]) }
    }

    @Test(
        "alphas, ranks and kinds of PEFT, diffusers and kohya come through",
        arguments: [
            ("peft_rslora", AdapterConvention.peft), ("peft_dora", .peft), ("peft_dora", .kohya),
            ("kohya.safetensors", .peft),
            ("kohya.safetensors", .diffusers), ("diffusers.safetensors", .kohya), ("dora.safetensors", .kohya),
            ("diffusers_old.safetensors", .peft),
        ])
    func kinds(_ name: String, _ convention: AdapterConvention) throws {
        let adapter = try AdapterFixture.adapter("lora/\(name)")
        let base = try AdapterFixture.base("lora/base.safetensors")
        let other = try written(adapter, convention, base: base)
        #expect(other.targets.count == adapter.targets.count)
        #expect(
            try AdapterFixture.merge([(other, 1)], into: base) == AdapterFixture.merge([(adapter, 1)], into: base))
    }

    @Test(
        "what a convention cannot hold is refused by name, or left out and listed",
        arguments: [
            ("ud2m.ckpt", AdapterConvention.kohya, "out.0.bias"), ("ud2m.ckpt", .diffusers, "out.0.bias"),
            ("loha.safetensors", .kohya, "block.0.conv.weight"), ("lokr.safetensors", .peft, "block.0.conv.weight"),
            ("tucker.safetensors", .peft, "block.0.conv.weight"),
            ("dora.safetensors", .diffusers, "block.0.conv.weight"),
            ("peft", .kohya, "block.0.linear.bias"), ("peft_transposed", .kohya, "stored_inputs_first.weight"),
            ("kohya.safetensors", .ud2m, "block.0.conv.weight"), ("peft_rslora", .ud2m, "block.0.linear.weight"),
        ])
    func refused(_ name: String, _ convention: AdapterConvention, _ tensor: String) throws {
        let adapter = try AdapterFixture.adapter("lora/\(name)")
        let base = try AdapterFixture.base(name == "ud2m.ckpt" ? "adm/adm_a.pt" : "lora/base.safetensors")
        let options = AdapterConversion.Options(convention: convention)
        let error = thrownError { try AdapterConversion(adapter, options: options, base: base) }
        #expect(error?.code == .adapterNotExpressible)
        #expect(error?.location.tensor == tensor)
        var dropping = options
        dropping.dropsOthers = true
        let conversion = try? AdapterConversion(adapter, options: dropping, base: base)
        let count = conversion.map { $0.targets.count + $0.leftOut.count }
        #expect(count == nil || count == adapter.targets.count)
    }

    @Test("a foreign scale is folded into UD2M's factors when asked for")
    func folded() throws {
        let adapter = try AdapterFixture.adapter("lora/peft_rslora")
        let base = try AdapterFixture.base("lora/base.safetensors")
        let folded = try written(adapter, .ud2m) { $0.foldsScale = true }
        #expect(folded.targets[0].change.scale == 0.75)
        let (a, b) = (
            try AdapterFixture.merge([(adapter, 1)], into: base), try AdapterFixture.merge([(folded, 1)], into: base)
        )
        let name = "block.0.linear.weight"
        for (x, y) in zip(try #require(a[name]), try #require(b[name])) { #expect(abs(x - y) <= 1e-6) }
    }

    @Test("names without dots need the base or our own manifest")
    func flattened() throws {
        let adapter = try AdapterFixture.adapter("lora/kohya.safetensors")
        let options = AdapterConversion.Options(convention: .peft)
        #expect(thrownError { try AdapterConversion(adapter, options: options) }?.code == .adapterNameAmbiguous)
        #expect(try written(adapter, .kohya).targets[0].isFlattened)
        let base = try AdapterFixture.base("lora/base.safetensors")
        let known = try written(adapter, .kohya, base: base)
        #expect(known.targets.map(\.module) == ["block.0.conv", "block.0.linear", "block.1.point"])
        #expect(try written(known, .peft).targets.count == 3)
    }

    @Test("two modules that become one name are refused")
    func collision() throws {
        let adapter = try AdapterFixture.adapter([
            ("a.b.lora_A.weight", [1, 2]), ("a.b.lora_B.weight", [2, 1]), ("a_b.lora_A.weight", [1, 2]),
            ("a_b.lora_B.weight", [2, 1]),
        ])
        let options = AdapterConversion.Options(convention: .kohya)
        #expect(thrownError { try AdapterConversion(adapter, options: options) }?.code == .adapterNameAmbiguous)
    }

    @Test("the manifest follows its schema, and a module's name decides no other's rank")
    func manifest() throws {
        let adapter = try AdapterFixture.adapter("lora/ud2m.ckpt")
        let conversion = try AdapterConversion(adapter, options: .init(convention: .peft))
        let text = try #require(conversion.metadata[AdapterManifest.key])
        let schema = try JSONSchema(file: RepositoryPaths.root.appending(path: "schemas/adapter-manifest.schema.json"))
        #expect(schema.validate(Data(text.utf8)) == [])
        #expect(schema.validate(Data(text.replacing("\"lora\"", with: "\"oft\"").utf8)) != [])
        let mixed = try AdapterFixture.adapter([
            ("a.q.lora_A.weight", [1, 2]), ("a.q.lora_B.weight", [2, 1]), ("b.a.q.lora_A.weight", [2, 2]),
            ("b.a.q.lora_B.weight", [2, 2]), ("c.lora_A.weight", [2, 2]), ("c.lora_B.weight", [2, 2]),
        ])
        #expect(try written(mixed, .peft).targets.map(\.change.rank) == [1, 2, 2])
    }
}
