import Foundation
import Testing
import UD2MFormats
import UD2MLinearAlgebra
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
            let back = try written(other, .ud2m, base: base)
            #expect(back.convention == .ud2m)
            let keepsWhole = convention == .ud2m || convention == .peft || (convention == .kohya && base != nil)
            let expected = try contents(adapter).filter { keepsWhole || !$0.key.hasPrefix("out.") }
            let found = try contents(back)
            #expect(Set(found.keys) == Set(expected.keys))
            for (name, values) in expected where convention != .kohya || !name.hasPrefix("out.") {
                #expect(found[name] == values)
            }
            // kohya holds differences from the base, which are rounded.
            for (name, values) in expected where name.hasPrefix("out.") {
                for (a, b) in zip(try #require(found[name]?.first), values[0]) { #expect(abs(a - b) <= 1e-6) }
            }
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
        for target in other.targets where target.change.kind != "difference" {
            #expect(a[target.tensorName.text] == b[target.tensorName.text])
        }
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
        // With the base at hand, kohya holds whole tensors as differences.
        let needsNone = tensor.hasSuffix(".bias") && convention == .kohya
        let base =
            try needsNone
            ? nil : AdapterFixture.base(name == "ud2m.ckpt" ? "adm/adm_a.pt" : "lora/base.safetensors")
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

    @Test(
        "whole tensors become what the convention has, with the base", arguments: ["peft", "differences.safetensors"])
    func wholeTensors(_ name: String) throws {
        let adapter = try AdapterFixture.adapter("lora/\(name)")
        let base = try AdapterFixture.base("lora/base.safetensors")
        let convention: AdapterConvention = name == "peft" ? .kohya : .peft
        let other = try written(adapter, convention, base: base) { $0.dropsOthers = true }
        let kind = convention == .kohya ? "difference" : "replacement"
        let whole = other.targets.filter(\.change.isWhole)
        #expect(!whole.isEmpty && whole.allSatisfy { $0.change.kind == kind })
        let (a, b) = (
            try AdapterFixture.merge([(adapter, 1)], into: base), try AdapterFixture.merge([(other, 1)], into: base)
        )
        for target in whole {
            let (x, y) = (a[target.tensorName.text], b[target.tensorName.text])
            for (x, y) in zip(try #require(x), try #require(y)) { #expect(abs(x - y) <= 1e-6) }
        }
    }

    @Test(
        "LoHa, LoKr, DoRA and Tucker cores become plain factors with the error that is stated",
        arguments: ["loha", "loha_tucker", "loha_dora", "lokr", "lokr_dora", "dora", "tucker"],
        [RankChoice.rank(1), .relativeError(0.2), .relativeError(0)])
    func approximated(_ name: String, _ choice: RankChoice) throws {
        let adapter = try AdapterFixture.adapter("lora/\(name).safetensors")
        let base = try AdapterFixture.base("lora/base.safetensors")
        var options = AdapterConversion.Options(convention: .diffusers)
        #expect(
            thrownError { try AdapterConversion(adapter, options: options, base: base) }?.code == .adapterNotExpressible
        )
        options.approximation = choice
        let conversion = try AdapterConversion(adapter, options: options, base: base)
        #expect(conversion.approximated.count == adapter.targets.count)
        let other = try written(adapter, .diffusers, base: base) { $0.approximation = choice }
        #expect(other.targets.allSatisfy { $0.change.kind == "lora" })
        let (a, b) = (
            try AdapterFixture.merge([(adapter, 1)], into: base, arithmetic: .f64),
            try AdapterFixture.merge([(other, 1)], into: base, arithmetic: .f64)
        )
        for (layer, target) in zip(conversion.approximated, other.targets) {
            if case .relativeError(let limit, _) = choice { #expect(layer.relativeError <= max(limit, 1e-6)) }
            let pairs = zip(try #require(a[target.tensorName.text]), try #require(b[target.tensorName.text]))
            let squares: [Double] = pairs.map { pair in
                let difference = Double(pair.0 - pair.1)
                return difference * difference
            }
            let error = squares.reduce(0, +).squareRoot()
            // Both sums are rounded to single precision.
            #expect(abs(error - layer.error) <= 2e-6, "\(layer.tensor)")
        }
    }

    @Test("DoRA has plain factors only beside its base")
    func approximatedAlone() throws {
        let adapter = try AdapterFixture.adapter("lora/peft_dora")
        var options = AdapterConversion.Options(convention: .diffusers)
        options.approximation = .rank(1)
        #expect(thrownError { try AdapterConversion(adapter, options: options) }?.code == .adapterNotExpressible)
    }

    @Test("biases that PEFT trained beside its factors are kept, and PEFT finds them again")
    func biases() throws {
        let tensors = [
            ("base_model.model.a.lora_A.weight", [2, 3]), ("base_model.model.a.lora_B.weight", [4, 2]),
            ("base_model.model.a.base_layer.bias", [4]), ("base_model.model.norm.bias", [3]),
        ]
        let text = #"{"peft_type": "LORA", "r": 2, "lora_alpha": 2, "bias": "all"}"#
        let adapter = try AdapterFixture.adapter(tensors, configuration: text)
        #expect(adapter.targets.map(\.tensorName.text) == ["a.bias", "a.weight", "norm.bias"])
        #expect(adapter.leftAside.isEmpty)
        let conversion = try AdapterConversion(adapter, options: .init(convention: .peft))
        #expect(Set(conversion.tensors.map(\.name.text)) == Set(tensors.map(\.0)))
        guard case .object(let configuration)? = conversion.configuration else { return #expect(Bool(false)) }
        #expect(configuration["bias"] == "all")
        #expect(configuration["modules_to_save"] == .null)
        #expect(try contents(written(adapter, .peft)) == contents(adapter))
    }

    @Test("modules that PEFT saves whole are complete, with the base")
    func completeModules() throws {
        let base = AdapterFixture.base([
            ("norm.weight", [2], [1, 2]), ("norm.bias", [2], [3, 4]), ("norm.deep.bias", [1], [5]),
            ("n.weight", [1], [6]),
        ])
        let adapter = try AdapterFixture.adapter(
            [
                ("a.lora_A.weight", [1, 2]), ("a.lora_B.weight", [2, 1]), ("base_model.model.norm.weight", [2]),
            ], configuration: #"{"peft_type": "LORA", "r": 1, "lora_alpha": 1}"#)
        let whole = Adapter(path: "a", convention: .peft, targets: adapter.targets.filter(\.change.isWhole))
        let conversion = try AdapterConversion(whole, options: .init(convention: .peft), base: base)
        #expect(conversion.targets.map(\.tensorName.text) == ["norm.weight"])
        #expect(
            conversion.tensors.map(\.name.text) == ["base_model.model.norm.weight", "base_model.model.norm.bias"])
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
