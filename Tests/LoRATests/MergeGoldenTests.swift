import Foundation
import Testing
import UD2MFormats
import UD2MLoRA
import UD2MTestSupport

@Suite("merging against reference results")
struct MergeGoldenTests {
    @Test("UD2M's training checkpoint merges to the bits of its own code")
    func ud2m() throws {
        let adapter = try AdapterFixture.adapter("lora/ud2m.ckpt")
        #expect(adapter.convention == .ud2m)
        #expect(adapter.ranks == [5])
        #expect(adapter.targets.count == 12)
        #expect(adapter.factorParameterCount == 3840)
        #expect(adapter.wholeParameterCount == 1798)
        #expect(adapter.targets.filter { !$0.change.isWhole }.allSatisfy { $0.change.scale == 0.3 })
        let base = try AdapterFixture.base("adm/adm_a.pt")
        let merged = try AdapterFixture.merge([(adapter, 1)], into: base)
        let golden = try Golden("lora/ud2m_merged.safetensors")
        #expect(golden.tensors.count == 10)
        for (name, entry) in golden.tensors {
            // Equality of floats is of bits here: none of them is a zero or NaN.
            #expect(merged[name] == entry.values, "\(name)")
        }
        let changed = Set(adapter.targets.map(\.tensorName.text))
        for tensor in base.tensors where !changed.contains(tensor.name.text) {
            #expect(try merged[tensor.name.text] == tensor.floats())
        }
    }

    @Test("HQS_state_dict holds the same adapter under a prefix, and the sampler's four numbers")
    func duplicate() throws {
        let file = try AdapterFile(path: AdapterFixture.path("lora/ud2m.ckpt"), select: "HQS_state_dict")
        let adapter = try Adapter(file)
        #expect(adapter.leftAside.map(\.names.count) == [4])
        let base = try AdapterFixture.base("adm/adm_a.pt")
        let other = try AdapterFixture.adapter("lora/ud2m.ckpt")
        #expect(try AdapterFixture.merge([(adapter, 1)], into: base) == AdapterFixture.merge([(other, 1)], into: base))
    }

    static let cases = [
        "kohya.safetensors", "tucker.safetensors", "dora.safetensors", "loha.safetensors", "loha_tucker.safetensors",
        "lokr.safetensors", "loha_dora.safetensors", "lokr_dora.safetensors", "differences.safetensors", "peft",
        "peft_rslora", "peft_dora", "peft_transposed",
        "diffusers.safetensors", "diffusers_old.safetensors",
    ]

    @Test("every convention and kind merges to what independent formulas give", arguments: cases)
    func kinds(_ name: String) throws {
        let adapter = try AdapterFixture.adapter("lora/\(name)")
        let base = try AdapterFixture.base("lora/base.safetensors")
        let expected = try GoldenFile.values(
            "lora/expected.safetensors", prefix: name.replacing(".safetensors", with: "") + "/")
        #expect(!expected.isEmpty)
        #expect(adapter.targets.count == expected.count)
        for arithmetic in MergeArithmetic.allCases {
            let merged = try AdapterFixture.merge([(adapter, 1)], into: base, arithmetic: arithmetic)
            for (tensor, values) in expected {
                let found = try #require(merged[tensor])
                // Single precision: a few roundings of sums of at most three products, and of DoRA's division.
                for (a, b) in zip(found, values) { #expect(abs(Double(a) - b) <= 1e-6 * max(1, abs(b)), "\(tensor)") }
            }
        }
    }

    @Test("DoRA's strength is of the whole difference")
    func doraStrength() throws {
        let adapter = try AdapterFixture.adapter("lora/dora.safetensors")
        let base = try AdapterFixture.base("lora/base.safetensors")
        let whole = try AdapterFixture.merge([(adapter, 1)], into: base)
        let half = try AdapterFixture.merge([(adapter, 0.5)], into: base)
        for tensor in base.tensors {
            let (w, a, b) = (
                try tensor.floats(), try #require(whole[tensor.name.text]), try #require(half[tensor.name.text])
            )
            for index in w.indices { #expect(abs(w[index] + 0.5 * (a[index] - w[index]) - b[index]) <= 1e-6) }
        }
    }

    @Test(
        "the parameters that publications count",
        arguments: [
            ("adm_256x256_diffusion_uncond", [".qkv.weight", ".proj_out.weight"], 414_720),
            ("ddpm_lsun256", [".q.weight", ".k.weight", ".v.weight", ".proj_out.weight"], 122_880),
        ])
    func parameterCounts(_ network: String, _ endings: [String], _ expected: Int) throws {
        let data = try Data(contentsOf: RepositoryPaths.fixtures.appending(path: "keys/\(network).json"))
        let table = try #require(try JSONDocument(data).object)
        var tensors: [TensorSource] = []
        for (name, entry) in table where endings.contains(where: name.hasSuffix) {
            let shape = try #require(entry.array?.first?.array).compactMap { $0.number.map { Int($0) } }
            let prefix = name.dropLast("weight".count) + "parametrizations.weight.0.lora_"
            for (side, sizes) in [("A", [shape[0], 5]), ("B", [5, shape[1]])] {
                tensors.append(
                    TensorSource(prefix + side, [Float](repeating: 0, count: sizes[0] * sizes[1]), shape: sizes))
            }
        }
        let adapter = try AdapterFixture.adapter(tensors)
        #expect(adapter.factorParameterCount == expected)
        #expect(adapter.ranks == [5])
    }
}

/// Doubles of a fixture, by the names after a prefix.
enum GoldenFile {
    static func values(_ name: String, prefix: String) throws -> [String: [Double]] {
        let file = try SafetensorsFile(path: AdapterFixture.path(name))
        var values: [String: [Double]] = [:]
        for entry in file.entries where entry.name.hasPrefix(prefix) {
            let bytes = UnsafeRawBufferPointer(rebasing: file.file.bytes[entry.range])
            values[entry.name.dropFirst(prefix.utf8.count).text] = stride(from: 0, to: bytes.count, by: 8).map {
                bytes.loadUnaligned(fromByteOffset: $0, as: Double.self)
            }
        }
        return values
    }
}
