import Testing
import UD2MFormats
import UD2MLinearAlgebra
import UD2MLoRA
import UD2MTestSupport

@Suite("the algebra of merging")
struct MergeAlgebraTests {
    /// A base of one weight and an adapter of it, with sizes that follow from a seed.
    private func sample(_ seed: Int) throws -> (base: AdapterBase, adapter: Adapter, shape: [Int]) {
        let draws = PortableWeights.uniform("sizes:\(seed)", count: 5).map { Int(($0 + 0.5) * 9) + 1 }
        let kernel = [[], [1], [1, 1], [3, 3]][seed % 4]
        let shape = [draws[0], draws[1]] + kernel
        let rank = draws[2]
        let columns = shape.dropFirst().reduce(1, *)
        let base = AdapterFixture.base([("m.weight", shape, AdapterFixture.numbers("base\(seed)", shape))])
        let adapter = try AdapterFixture.adapter([
            TensorSource(
                "lora_unet_m.lora_up.weight", AdapterFixture.numbers("up\(seed)", [shape[0], rank]),
                shape: [shape[0], rank]),
            TensorSource(
                "lora_unet_m.lora_down.weight", AdapterFixture.numbers("down\(seed)", [rank, columns]),
                shape: [rank, columns]),
            TensorSource("lora_unet_m.alpha", [Float(draws[3])], shape: []),
        ])
        return (base, adapter, shape)
    }

    @Test("W + s·U·D, for random shapes and ranks", arguments: 0..<24)
    func definition(_ seed: Int) throws {
        let (base, adapter, shape) = try sample(seed)
        guard case .lowRank(let factors) = adapter.targets[0].change else { return #expect(Bool(false)) }
        let (up, down) = (try factors.up.matrix(), try factors.down.matrix())
        let original = try base.tensors[0].floats()
        let columns = shape.dropFirst().reduce(1, *)
        for arithmetic in MergeArithmetic.allCases {
            let merged = try #require(
                try AdapterFixture.merge([(adapter, -0.7)], into: base, arithmetic: arithmetic)["m.weight"])
            for index in merged.indices {
                var sum = 0.0
                for k in 0..<up.columns {
                    sum += try #require(up[index / columns, k]) * #require(down[k, index % columns])
                }
                let expected = Double(original[index]) - 0.7 * factors.scale.value * sum
                // Nine products of numbers below 1/4, times a scale of at most 10.
                #expect(abs(Double(merged[index]) - expected) <= 3e-6)
            }
        }
    }

    @Test("two adapters add, twice the strength is twice the change, and strength 0 changes no bit", arguments: 0..<8)
    func linear(_ seed: Int) throws {
        let (base, adapter, _) = try sample(seed)
        let original = try base.tensors[0].floats()
        func merged(_ strengths: Double...) throws -> [Float] {
            try #require(
                try AdapterFixture.merge(strengths.map { (adapter, $0) }, into: base, arithmetic: .f64)["m.weight"])
        }
        #expect(try merged(0) == original)
        let (one, both) = (try merged(1), try merged(1.5, 0.5))
        for index in original.indices {
            let expected = original[index] + 2 * (one[index] - original[index])
            #expect(abs(both[index] - expected) <= 2e-6)
        }
    }

    @Test("the result does not depend on the pieces in which it is read", arguments: [1, 16, 100, 4096, 1 << 20])
    func pieces(_ bytes: Int) throws {
        for seed in 0..<4 {
            let (base, adapter, _) = try sample(seed)
            let plan = MergePlan(base: base, adapters: [WeightedAdapter(try AdapterBinding(adapter, to: base))])
            let expected = try plan.tensors[0].floats()
            var found: [UInt8] = []
            try plan.tensors[0].stream(as: .f32, pieceBytes: bytes) { found += Array($0) }
            #expect(found == expected.withUnsafeBytes { Array($0) })
            // A part alone is the same as that part of the whole.
            let part = try plan.tensors[0].storage.withBytes(in: 4..<8) { Array($0) }
            #expect(expected.count == 1 || part == Array(found[4..<8]))
        }
    }

    @Test("one rounding to the base's type, and what overflows is told", arguments: [ElementType.f16, .bf16, .f64])
    func types(_ type: ElementType) throws {
        let shape = [5, 7]
        let base = AdapterBase(
            path: "base",
            tensors: [TensorSource("m.weight", AdapterFixture.numbers("base", shape), shape: shape, as: type)])
        let adapter = try AdapterFixture.adapter([("m.lora_A.weight", [2, 7]), ("m.lora_B.weight", [5, 2])])
        let plan = MergePlan(
            base: base, adapters: [WeightedAdapter(try AdapterBinding(adapter, to: base))], arithmetic: .f64)
        #expect(plan.tensors[0].elementType == type)
        var exact: [Float] = []
        let wide = AdapterBase(
            path: "base",
            tensors: [
                TensorSource("m.weight", try Self.floats(base.tensors[0]), shape: shape)
            ])
        exact = try #require(try AdapterFixture.merge([(adapter, 1)], into: wide, arithmetic: .f64)["m.weight"])
        let unit: Float = type == .f16 ? 0x1p-11 : type == .bf16 ? 0x1p-8 : 0x1p-23
        for (a, b) in zip(try Self.floats(plan.tensors[0]), exact) {
            #expect(abs(a - b) <= unit * max(abs(b), 0x1p-14))
        }
        guard type == .f16 else { return }
        let large = MergePlan(
            base: base, adapters: [WeightedAdapter(try AdapterBinding(adapter, to: base), strength: 1e8)])
        _ = try Self.floats(large.tensors[0])
        #expect(large.overflows.map(\.name) == ["m.weight"])
    }

    @Test(
        "finite factors whose change is beyond f32 are refused, whatever the precision of the sums",
        arguments: MergeArithmetic.allCases, [(Float(1e30), 1.0), (1, 1e40)])
    func overflow(_ arithmetic: MergeArithmetic, _ size: (factor: Float, strength: Double)) throws {
        let adapter = try AdapterFixture.adapter([
            TensorSource("a.lora_A.weight", [size.factor, -size.factor], shape: [1, 2]),
            TensorSource("a.lora_B.weight", [size.factor, 1], shape: [2, 1]),
        ])
        try adapter.requireFinite()
        let base = AdapterFixture.base([("a.weight", [2, 2], [1, 2, 3, 4])])
        let error = thrownError {
            try AdapterFixture.merge([(adapter, size.strength)], into: base, arithmetic: arithmetic)
        }
        #expect(error?.code == .adapterNotFinite)
        #expect(error?.location.tensor == "a.weight")
    }

    @Test("numbers of the network that are infinite already do not stop a merge")
    func infiniteBase() throws {
        let adapter = try AdapterFixture.adapter([("a.lora_A.weight", [1, 2]), ("a.lora_B.weight", [2, 1])])
        let base = AdapterFixture.base([("a.weight", [2, 2], [.infinity, 2, 3, 4])])
        let merged = try #require(try AdapterFixture.merge([(adapter, 1)], into: base)["a.weight"])
        #expect(merged[0] == .infinity && merged.dropFirst().allSatisfy(\.isFinite))
    }

    private static func floats(_ tensor: TensorSource) throws -> [Float] {
        var values: [Float] = []
        try tensor.stream(as: .f32) { bytes in
            values += stride(from: 0, to: bytes.count, by: 4).map {
                bytes.loadUnaligned(fromByteOffset: $0, as: Float.self)
            }
        }
        return values
    }

    @Test("names that share a tensor of the base share the changed one")
    func tied() throws {
        var second = TensorSource("a.weight", AdapterFixture.numbers("a", [3, 3]), shape: [3, 3])
        let first = second
        second.name = "b.weight"
        let base = AdapterBase(path: "base", tensors: [first, second])
        let adapter = try AdapterFixture.adapter([("a.lora_A.weight", [1, 3]), ("a.lora_B.weight", [3, 1])])
        let plan = MergePlan(base: base, adapters: [WeightedAdapter(try AdapterBinding(adapter, to: base))])
        #expect(plan.tensors[0].storage === plan.tensors[1].storage)
        #expect(plan.changed == ["a.weight", "b.weight"])
    }
}
