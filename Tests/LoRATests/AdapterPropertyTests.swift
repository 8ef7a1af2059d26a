import Foundation
import Testing
import UD2MFormats
import UD2MLinearAlgebra
import UD2MLoRA
import UD2MTestSupport

@Suite("properties of computed adapters, for random shapes and ranks")
struct AdapterPropertyTests {
    /// Sizes of one layer and two adapters of it, from a seed: a linear layer or a convolution, and ranks from 1 to 6.
    private struct Sample {
        let base: AdapterBase
        let first: Adapter
        let second: Adapter
        let rank: Int

        init(_ seed: Int) throws {
            let draws = PortableWeights.uniform("property:\(seed)", count: 4).map { Int(($0 + 0.5) * 20) }
            let kernel = [[], [1], [3], [1, 1], [3, 3], [2, 2, 2]][seed % 6]
            let shape = [8 + draws[0], 8 + draws[1]] + kernel
            base = AdapterFixture.base([("m.weight", shape, AdapterFixture.numbers("w\(seed)", shape))])
            rank = 1 + draws[2] % 6
            first = try Self.adapter("a\(seed)", shape, rank)
            second = try Self.adapter("b\(seed)", shape, 1 + draws[3] % 6)
        }

        private static func adapter(_ name: String, _ shape: [Int], _ rank: Int) throws -> Adapter {
            let (up, down) = ([shape[0], rank] + shape.dropFirst(2).map { _ in 1 }, [rank] + shape.dropFirst())
            return try AdapterFixture.adapter([
                TensorSource("lora_unet_m.lora_up.weight", AdapterFixture.numbers(name + "up", up), shape: up),
                TensorSource("lora_unet_m.lora_down.weight", AdapterFixture.numbers(name + "down", down), shape: down),
                TensorSource("lora_unet_m.alpha", [3], shape: []),
            ])
        }

        /// The weight with adapters merged in.
        func merged(_ adapters: [(Adapter, Double)]) throws -> [Float] {
            try #require(try AdapterFixture.merge(adapters, into: base, arithmetic: .f64)["m.weight"])
        }
    }

    private func distance(_ a: [Float], _ b: [Float]) -> Double {
        let squares = zip(a, b).map { pair -> Double in
            let difference = Double(pair.0 - pair.1)
            return difference * difference
        }
        return squares.reduce(0, +).squareRoot()
    }

    @Test("what is extracted from a merged network merges to it again", arguments: 0..<24)
    func mergeThenExtract(_ seed: Int) throws {
        let sample = try Sample(seed)
        let merged = try sample.merged([(sample.first, 1)])
        let tuned = [TensorSource("m.weight", merged, shape: sample.base.tensors[0].shape)]
        let result = try AdapterExtraction(
            base: sample.base.tensors, tuned: tuned, tunedPath: "tuned",
            options: .init(policy: .each(.rank(sample.rank)), convention: .kohya)
        ).adapter(path: "tuned")
        let again = try sample.merged([(result.adapter, 1)])
        // Merged weights below 4 are rounded by up to 2e-7 each, on both ways.
        #expect(distance(merged, again) <= 5e-7 * Double(merged.count).squareRoot())
    }

    @Test("a higher rank never has a larger error, and the full one has none", arguments: 0..<12)
    func resizing(_ seed: Int) throws {
        let sample = try Sample(seed)
        var last = Double.infinity
        for rank in 1...sample.rank {
            let error = try sample.first.resized(to: .each(.rank(rank))).layers.totalRelativeError
            #expect(error <= last)
            last = error
        }
        #expect(last <= 1e-6)
    }

    @Test("a combination is linear in its weights", arguments: 0..<12)
    func combining(_ seed: Int) throws {
        let sample = try Sample(seed)
        func combined(_ a: Double, _ b: Double) throws -> [Float] {
            let items = [AdapterCombination.Item(sample.first, weight: a), .init(sample.second, weight: b)]
            let sum = try AdapterCombination(items, convention: .kohya).adapter(path: "sum")
            return try sample.merged([(sum.adapter, 1)])
        }
        let found = try combined(0.7, -0.4)
        let expected = try sample.merged([(sample.first, 0.7), (sample.second, -0.4)])
        let limit = 1e-6 * Double(found.count).squareRoot()
        #expect(distance(found, expected) <= limit)
        // Twice the weights is twice the change.
        let original = try sample.base.tensors[0].floats()
        let twice = try combined(1.4, -0.8)
        let doubled = zip(original, found).map { $0 + 2 * ($1 - $0) }
        #expect(distance(twice, doubled) <= 3 * limit)
    }

    @Test(
        "a conversion to another convention and back changes no bit of the merge", arguments: 0..<12,
        [AdapterConvention.diffusers, .peft, .ud2m])
    func converting(_ seed: Int, _ convention: AdapterConvention) throws {
        let sample = try Sample(seed)
        var start = sample.first
        if convention == .ud2m {
            // UD2M's form has one scale, and no kernels.
            guard sample.base.tensors[0].shape.dropFirst(2).allSatisfy({ $0 == 1 }) else { return }
            for index in start.targets.indices {
                guard case .lowRank(var factors) = start.targets[index].change else { continue }
                factors.scale = AdapterScale(alpha: 1.5, rank: factors.rank)
                start.targets[index].change = .lowRank(factors)
            }
        }
        let expected = try sample.merged([(start, 1)])
        let folder = try TemporaryDirectory()
        var adapter = start
        for step in [convention, .kohya] {
            let written = try AdapterConversion(adapter, options: .init(convention: step), base: sample.base)
            try SafetensorsFile.write(
                to: folder.path("adapter_model.safetensors"), tensors: written.tensors, metadata: written.metadata,
                overwrite: true)
            let configuration = URL(filePath: folder.path("adapter_config.json"))
            try? FileManager.default.removeItem(at: configuration)
            try written.configuration.map { try Data($0.canonicalText().utf8).write(to: configuration) }
            adapter = try Adapter(AdapterFile(path: folder.url.path(percentEncoded: false)))
            #expect(adapter.convention == step)
            #expect(try sample.merged([(adapter, 1)]) == expected)
        }
    }
}
