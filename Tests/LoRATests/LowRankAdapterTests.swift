import Testing
import UD2MFormats
import UD2MLinearAlgebra
import UD2MLoRA
import UD2MTestSupport

@Suite("adapters that are computed: extracted, resized, combined")
struct LowRankAdapterTests {
    private func norm(_ values: [Float]) -> Double {
        values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }

    private func tuned(_ base: AdapterBase, _ merged: [String: [Float]]) -> [TensorSource] {
        base.tensors.map { TensorSource($0.name.text, merged[$0.name.text] ?? [], shape: $0.shape) }
    }

    private func extracted(
        _ base: AdapterBase, _ tuned: [TensorSource], _ policy: RankPolicy, _ convention: AdapterConvention
    ) throws -> ComputedAdapter {
        try AdapterExtraction(
            base: base.tensors, tuned: tuned, tunedPath: "tuned", options: .init(policy: policy, convention: convention)
        ).adapter(path: "tuned")
    }

    @Test("what was merged is extracted again, to rounding, in every convention", arguments: AdapterConvention.allCases)
    func mergeThenExtract(_ convention: AdapterConvention) throws {
        let base = try AdapterFixture.base("adm/adm_a.pt")
        let adapter = try AdapterFixture.adapter("lora/ud2m.ckpt")
        let merged = try AdapterFixture.merge([(adapter, 1)], into: base)
        let result = try extracted(base, tuned(base, merged), .each(.rank(5)), convention)
        // The final convolution was trained whole: at rank 5 it is an approximation, which its error says.
        let attention = result.layers.filter { !$0.tensor.hasPrefix("out.") }
        #expect(attention.count == 8)
        for layer in attention {
            #expect(layer.rank == 5)
            // The merged weights are rounded, and so is their difference from the base.
            #expect(layer.relativeError <= 1e-6, "\(layer.tensor)")
        }
        let again = try AdapterFixture.merge([(result.adapter, 1)], into: base, arithmetic: .f64)
        for layer in result.layers {
            let name = layer.tensor.text
            let (a, b) = (try #require(merged[name]), try #require(again[name]))
            #expect(norm(zip(a, b).map { $0 - $1 }) <= layer.error + 1e-6 * (norm(a) + 1))
        }
        let names = Set(result.layers.map(\.tensor.text))
        for tensor in base.tensors where !names.contains(tensor.name.text) {
            #expect(try merged[tensor.name.text] == tensor.floats())
        }
    }

    @Test(
        "norms and biases are kept whole, bit for bit where the convention replaces",
        arguments: [
            AdapterConvention.peft, .kohya,
        ])
    func whole(_ convention: AdapterConvention) throws {
        let base = try AdapterFixture.base("lora/base.safetensors")
        let changed = base.tensors.map { tensor in
            TensorSource(
                tensor.name.text, AdapterFixture.numbers("tuned:\(tensor.name.text)", tensor.shape), shape: tensor.shape
            )
        }
        let result = try extracted(base, changed, .each(.rank(1)), convention)
        #expect(result.layers.count == base.tensors.count)
        let merged = try AdapterFixture.merge([(result.adapter, 1)], into: base)
        for layer in result.layers where layer.rank == nil {
            let source = try #require(changed.first { $0.name == layer.tensor })
            for (a, b) in zip(try #require(merged[layer.tensor.text]), try source.floats()) {
                #expect(convention == .peft ? a == b : abs(a - b) <= 1e-6)
            }
        }
        #expect(result.layers.contains { $0.rank == nil } && result.layers.contains { $0.rank == 1 })
    }

    @Test("networks that are the same, of other shapes, or with tensors of their own")
    func odd() throws {
        let base = try AdapterFixture.base("lora/base.safetensors")
        let same = try extracted(base, base.tensors, .each(.rank(1)), .kohya)
        #expect(same.layers.isEmpty && same.adapter.targets.isEmpty)
        let options = AdapterExtraction.Options(policy: .each(.rank(1)), convention: .kohya)
        let less = try AdapterExtraction(
            base: base.tensors, tuned: Array(base.tensors.dropFirst()), tunedPath: "tuned", options: options)
        #expect(less.unexplained == [base.tensors[0].name])
        let other = AdapterFixture.base([("block.0.linear.weight", [4, 6], Array(repeating: 0, count: 24))])
        let error = thrownError {
            try AdapterExtraction(base: base.tensors, tuned: other.tensors, tunedPath: "tuned", options: options)
        }
        #expect(error?.code == .adapterBaseMismatch)
        let wrong = AdapterExtraction.Options(policy: .each(.rank(0)), convention: .kohya)
        #expect(
            thrownError { try AdapterExtraction(base: [], tuned: [], tunedPath: "tuned", options: wrong) }?.code
                == .rankChoice)
    }

    @Test("numbers that are not finite, and differences that are not, are of a named file and tensor")
    func notFinite() throws {
        func error(_ before: [Float], _ after: [Float]) -> UD2MError? {
            let (a, b) = (
                AdapterFixture.base([("m.weight", [2, 2], before)]), AdapterFixture.base([("m.weight", [2, 2], after)])
            )
            return thrownError {
                try AdapterExtraction(
                    base: a.tensors, tuned: b.tensors, basePath: "before", tunedPath: "after",
                    options: .init(policy: .each(.rank(1)), convention: .kohya)
                ).adapter(path: "after")
            }
        }
        for (before, after, file) in [
            ([1, 2, 3, .nan], [1, 2, 3, 4], "before"), ([1, 2, 3, 4], [1, 2, 3, .infinity], "after"),
            ([1, 2, 3, 3e38], [1, 2, 3, -3e38], "after"),
        ] as [([Float], [Float], String)] {
            let found = error(before, after)
            #expect(found?.code == .adapterNotFinite)
            #expect(found?.location.tensor == "m.weight")
            #expect(found?.location.file == file)
        }
    }

    @Test("a size is shared out and kept")
    func size() throws {
        let base = try AdapterFixture.base("adm/adm_a.pt")
        let adapter = try AdapterFixture.adapter("lora/ud2m.ckpt")
        let merged = try AdapterFixture.merge([(adapter, 1)], into: base)
        let result = try extracted(base, tuned(base, merged), .parameters(2000), .kohya)
        #expect(result.adapter.factorParameterCount <= 2000)
        #expect(result.adapter.factorParameterCount > 1500)
        let resized = try adapter.resized(to: .parameters(2000))
        #expect(resized.adapter.factorParameterCount <= 2000)
    }

    @Test("resizing: the error falls with the rank, is the one stated, and vanishes at the full rank")
    func resize() throws {
        let base = try AdapterFixture.base("adm/adm_a.pt")
        let adapter = try AdapterFixture.adapter("lora/ud2m.ckpt")
        let merged = try AdapterFixture.merge([(adapter, 1)], into: base, arithmetic: .f64)
        var last = Double.infinity
        for rank in 1...6 {
            let result = try adapter.resized(to: .each(.rank(rank)))
            #expect(result.layers.totalRelativeError <= last)
            last = result.layers.totalRelativeError
            let again = try AdapterFixture.merge([(result.adapter, 1)], into: base, arithmetic: .f64)
            for layer in result.layers where layer.rank != nil {
                let (a, b) = (try #require(merged[layer.tensor.text]), try #require(again[layer.tensor.text]))
                // Both sides are rounded to single precision after the sum.
                #expect(abs(norm(zip(a, b).map { $0 - $1 }) - layer.error) <= 1e-6 * (norm(a) + 1))
            }
            #expect(result.adapter.wholeParameterCount == adapter.wholeParameterCount)
        }
        #expect(last <= 1e-6)
    }

    @Test(
        "LoHa and LoKr become LoRA with a stated error, transposed layers too; DoRA is refused",
        arguments: [
            ("loha.safetensors", true), ("loha_tucker.safetensors", true), ("lokr.safetensors", true),
            ("tucker.safetensors", true), ("kohya.safetensors", true), ("dora.safetensors", false),
            ("peft_transposed", true),
        ])
    func kinds(_ name: String, _ works: Bool) throws {
        let adapter = try AdapterFixture.adapter("lora/\(name)")
        guard works else {
            return #expect(thrownError { try adapter.resized(to: .each(.rank(1))) }?.code == .adapterKind)
        }
        let base = try AdapterFixture.base("lora/base.safetensors")
        let result = try adapter.resized(to: .each(.relativeError(0.3)))
        let (a, b) = (
            try AdapterFixture.merge([(adapter, 1)], into: base),
            try AdapterFixture.merge([(result.adapter, 1)], into: base)
        )
        #expect(result.layers.count == adapter.targets.count)
        #expect(result.adapter.targets.allSatisfy { $0.change.kind == "lora" })
        for layer in result.layers {
            #expect(layer.relativeError <= 0.3)
            // kohya's names have lost their dots.
            let plain = layer.tensor.text.replacing(".", with: "_")
            let tensor = try #require(base.tensors.first { $0.name.text.replacing(".", with: "_") == plain })
            let (x, y) = (try #require(a[tensor.name.text]), try #require(b[tensor.name.text]))
            #expect(abs(norm(zip(x, y).map { $0 - $1 }) - layer.error) <= 1e-5 * (norm(x) + 1))
        }
    }

    @Test("a combination is the weighted sum, at the sum of the ranks; at lower ranks its error is the one stated")
    func combine() throws {
        let base = try AdapterFixture.base("lora/base.safetensors")
        let (a, b) = (
            try AdapterFixture.adapter("lora/peft_rslora"), try AdapterFixture.adapter("lora/diffusers.safetensors")
        )
        let expected = try AdapterFixture.merge([(a, 0.7), (b, -0.4)], into: base, arithmetic: .f64)
        let items = [AdapterCombination.Item(a, weight: 0.7), AdapterCombination.Item(b, weight: -0.4)]
        for ranks in [nil, RankChoice.rank(1)] {
            let result = try AdapterCombination(items, ranks: ranks, convention: .diffusers).adapter(path: "both")
            let found = try AdapterFixture.merge([(result.adapter, 1)], into: base, arithmetic: .f64)
            #expect(result.adapter.targets.map(\.change.rank) == (ranks == nil ? [4, 2] : [1, 1]))
            for layer in result.layers {
                let (x, y) = (try #require(expected[layer.tensor.text]), try #require(found[layer.tensor.text]))
                #expect(abs(norm(zip(x, y).map { $0 - $1 }) - layer.error) <= 1e-5 * (norm(x) + 1))
                #expect(ranks != nil || layer.error == 0)
            }
        }
    }

    @Test("the same seed gives the same numbers, and another seed others")
    func seeds() throws {
        let adapter = try AdapterFixture.adapter("lora/peft_rslora")
        func numbers(_ seed: UInt64) throws -> [Float] {
            let items = [AdapterCombination.Item(adapter), AdapterCombination.Item(adapter, weight: 0.5)]
            let result = try AdapterCombination(
                items, method: .merge(.dare(density: 0.5), seed: seed), ranks: .rank(2), convention: .kohya
            ).adapter(path: "both")
            return try result.adapter.tensors.flatMap { try $0.floats() }
        }
        #expect(try numbers(1) == numbers(1))
        #expect(try numbers(1) != numbers(2))
    }

    @Test("whole tensors that several adapters replace need the base")
    func wholeCombined() throws {
        let adapter = try AdapterFixture.adapter("lora/ud2m.ckpt")
        let base = try AdapterFixture.base("adm/adm_a.pt")
        let items = [AdapterCombination.Item(adapter, weight: 0.5), AdapterCombination.Item(adapter, weight: 0.5)]
        let alone = try AdapterCombination(items, convention: .ud2m)
        #expect(thrownError { try alone.adapter(path: "both") }?.code == .adapterNotExpressible)
        let result = try AdapterCombination(items, convention: .ud2m, base: base).adapter(path: "both")
        let (a, b) = (
            try AdapterFixture.merge([(adapter, 1)], into: base),
            try AdapterFixture.merge([(result.adapter, 1)], into: base)
        )
        for (name, values) in a {
            for (x, y) in zip(values, try #require(b[name])) { #expect(abs(x - y) <= 2e-6) }
        }
    }
}
