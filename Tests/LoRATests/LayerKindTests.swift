import Foundation
import Testing
import UD2MFormats
import UD2MLinearAlgebra
import UD2MLoRA
import UD2MTestSupport

@Suite("embeddings and layers that are stored inputs first")
struct LayerKindTests {
    private static let prefix = "base_model.model."
    /// An embedding of 7 words and a linear layer [6, 4] stored as [4, 6], of rank 2.
    private static let tensors = [
        (prefix + "words.lora_embedding_A", [2, 7]), (prefix + "words.lora_embedding_B", [4, 2]),
        (prefix + "line.lora_A.weight", [2, 4]), (prefix + "line.lora_B.weight", [6, 2]),
    ]
    private static let configuration =
        #"{"peft_type": "LORA", "r": 2, "lora_alpha": 3, "fan_in_fan_out": true}"#

    private func adapter(_ tensors: [(String, [Int])] = Self.tensors) throws -> Adapter {
        try AdapterFixture.adapter(tensors, configuration: Self.configuration)
    }

    private var base: AdapterBase {
        AdapterFixture.base(
            [("words.weight", [7, 4]), ("line.weight", [4, 6])].map { name, shape in
                (name, shape, AdapterFixture.numbers(name, shape))
            })
    }

    /// Writes an adapter for PEFT and reads it back.
    private func again(_ adapter: Adapter) throws -> (adapter: Adapter, conversion: AdapterConversion) {
        let conversion = try AdapterConversion(adapter, options: .init(convention: .peft), base: base)
        let folder = try TemporaryDirectory()
        try SafetensorsFile.write(
            to: folder.path("adapter_model.safetensors"), tensors: conversion.tensors, metadata: conversion.metadata)
        let text = try #require(conversion.configuration).canonicalText()
        try Data(text.utf8).write(to: URL(filePath: folder.path("adapter_config.json")))
        let read = try Adapter(AdapterFile(path: folder.url.path(percentEncoded: false)))
        return withExtendedLifetime(folder) { (read, conversion) }
    }

    @Test("PEFT to PEFT keeps names, shapes, numbers and scale")
    func identity() throws {
        let adapter = try adapter()
        let (other, conversion) = try again(adapter)
        #expect(
            Dictionary(conversion.tensors.map { ($0.name.text, $0.shape) }, uniquingKeysWith: { a, _ in a })
                == Dictionary(Self.tensors, uniquingKeysWith: { a, _ in a }))
        #expect(other.targets.map(\.change.scale) == [1.5, 1.5])
        #expect(
            try AdapterFixture.merge([(other, 1)], into: base) == AdapterFixture.merge([(adapter, 1)], into: base))
    }

    @Test("W has a row for each word, and a row for each input")
    func definition() throws {
        let merged = try AdapterFixture.merge([(try adapter(), 1)], into: base)
        func numbers(_ name: String, _ shape: [Int]) -> [Float] { AdapterFixture.numbers(Self.prefix + name, shape) }
        let (a, b) = (numbers("words.lora_embedding_A", [2, 7]), numbers("words.lora_embedding_B", [4, 2]))
        let (c, d) = (numbers("line.lora_A.weight", [2, 4]), numbers("line.lora_B.weight", [6, 2]))
        let words = AdapterFixture.numbers("words.weight", [7, 4])
        let line = AdapterFixture.numbers("line.weight", [4, 6])
        for index in 0..<28 {
            let (word, channel) = index.quotientAndRemainder(dividingBy: 4)
            let sum = (0..<2).reduce(Float(0)) { $0 + b[channel * 2 + $1] * a[$1 * 7 + word] }
            #expect(abs(try #require(merged["words.weight"])[index] - words[index] - 1.5 * sum) <= 1e-6)
        }
        for index in 0..<24 {
            let (input, output) = index.quotientAndRemainder(dividingBy: 6)
            let sum = (0..<2).reduce(Float(0)) { $0 + d[output * 2 + $1] * c[$1 * 4 + input] }
            #expect(abs(try #require(merged["line.weight"])[index] - line[index] - 1.5 * sum) <= 1e-6)
        }
    }

    @Test("resized and combined they stay what they are")
    func computed() throws {
        let adapter = try adapter()
        let expected = try AdapterFixture.merge([(adapter, 1)], into: base)
        let resized = try again(adapter.resized(to: .each(.rank(2))).adapter).adapter
        let halves = try AdapterCombination(
            [.init(adapter, weight: 0.25), .init(adapter, weight: 0.75)], convention: .peft)
        let combined = try again(halves.adapter(path: "both").adapter).adapter
        #expect(combined.ranks == [4])
        for other in [resized, combined] {
            #expect(other.targets.map(\.tensorName.text) == ["line.weight", "words.weight"])
            let found = try AdapterFixture.merge([(other, 1)], into: base)
            for (name, values) in expected {
                for (a, b) in zip(try #require(found[name]), values) { #expect(abs(a - b) <= 1e-6, "\(name)") }
            }
        }
    }

    @Test(
        "other conventions refuse them, and no flag about scales is proposed",
        arguments: [AdapterConvention.kohya, .diffusers, .ud2m])
    func refused(_ convention: AdapterConvention) throws {
        for part in [Self.tensors.prefix(2), Self.tensors.suffix(2)] {
            let adapter = try adapter(Array(part))
            var options = AdapterConversion.Options(convention: convention)
            options.foldsScale = true
            let error = thrownError { try AdapterConversion(adapter, options: options, base: base) }
            #expect(error?.code == .adapterNotExpressible)
            #expect(error?.remedy?.contains("--to peft") == true)
            #expect(error?.remedy?.contains("--fold-scale") == false)
        }
    }

    @Test("UD2M's form has no kernels, whatever is done with the scale")
    func kernel() throws {
        let adapter = try AdapterFixture.adapter(
            [(Self.prefix + "c.lora_A.weight", [2, 3, 3, 3]), (Self.prefix + "c.lora_B.weight", [4, 2, 1, 1])],
            configuration: #"{"r": 2, "lora_alpha": 3}"#)
        var options = AdapterConversion.Options(convention: .ud2m)
        for folds in [false, true] {
            options.foldsScale = folds
            let error = thrownError { try AdapterConversion(adapter, options: options) }
            #expect(error?.code == .adapterNotExpressible)
            #expect(error?.remedy?.contains("--fold-scale") == false)
        }
    }

    @Test("convolutions beside layers stored inputs first are not transposed")
    func convolution() throws {
        let adapter = try adapter(
            Self.tensors + [
                (Self.prefix + "c.lora_A.weight", [2, 3, 3, 3]), (Self.prefix + "c.lora_B.weight", [4, 2, 1, 1]),
            ])
        let shapes = adapter.targets.map { [$0.change.matrixShape.rows, $0.change.matrixShape.columns] }
        #expect(shapes == [[4, 27], [4, 6], [7, 4]])
        let conversion = try AdapterConversion(adapter, options: .init(convention: .peft))
        #expect(conversion.tensors.count == 6)
    }

    @Test("what PEFT says once for all modules must be true of all")
    func mixed() throws {
        let line = try adapter(Array(Self.tensors.suffix(2)))
        let plain = try AdapterFixture.adapter(
            [(Self.prefix + "other.lora_A.weight", [2, 3]), (Self.prefix + "other.lora_B.weight", [3, 2])],
            configuration: #"{"r": 2, "lora_alpha": 3}"#)
        let both = Adapter(path: "both", convention: .peft, targets: line.targets + plain.targets)
        let options = AdapterConversion.Options(convention: .peft)
        let error = thrownError { try AdapterConversion(both, options: options) }
        #expect(error?.code == .adapterNotExpressible)
        #expect(error?.location.tensor == "other")
        let same = try AdapterFixture.adapter(
            [(Self.prefix + "line.lora_A.weight", [2, 6]), (Self.prefix + "line.lora_B.weight", [4, 2])],
            configuration: #"{"r": 2, "lora_alpha": 3}"#)
        let combination = try AdapterCombination([.init(line), .init(same)], convention: .peft)
        #expect(thrownError { try combination.adapter(path: "both") }?.code == .adapterShape)
        let dora = try AdapterFixture.adapter("lora/peft_dora")
        let partly = Adapter(path: "partly", convention: .peft, targets: dora.targets + plain.targets)
        #expect(thrownError { try AdapterConversion(partly, options: options) }?.code == .adapterNotExpressible)
    }
}
