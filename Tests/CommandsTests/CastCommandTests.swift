import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

@Suite("ud2m-convert cast, and the same rules in convert")
struct CastCommandTests {
    @Test("rules choose types, and what overflows is reported, not silent")
    func rules() throws {
        let folder = try TemporaryDirectory()
        let output = folder.path("cast.pt")
        let arguments = ["cast", CheckpointToolTest.types, output, "--dtype", "f16", "--rule", #"layers\.1=bf16"#]
        let result = try BuiltTool("ud2m-convert").run(arguments + ["--rule", "layers=f32", "--json"])
        #expect(result.exitCode == 0, "\(result.errorText)")
        let report = try #require(try ToolTest.checked(result.output, "cast").object)
        var types: [String: String] = [:]
        for tensor in try #require(report["tensors"]?.array) {
            types[try #require(tensor.object?["name"]?.string)] = tensor.object?["dtype"]?.string
        }
        #expect(types["layers.0.weight"] == "F32")
        #expect(types["layers.1.bias"] == "BF16")
        #expect(types["types.float64"] == "F16")
        #expect(types["types.bfloat16"] == "F16")
        #expect(types["types.int64"] == "I64")
        #expect(types["types.float8_e5m2"] == "F8_E5M2")
        #expect(types["types.complex64"] == "C64")

        var kept: [String: [String]] = [:]
        for item in try #require(report["kept"]?.array) {
            let names = try #require(item.object?["tensors"]?.array).compactMap(\.string)
            #expect(item.object?["count"]?.number == Double(names.count))
            kept[try #require(item.object?["reason"]?.string)] = names
        }
        #expect(kept["integers"]?.contains("types.int64") == true)
        #expect(kept["booleans"] == ["types.bool"])
        #expect(kept["complex numbers"]?.contains("types.complex64") == true)
        #expect(kept["8-bit and narrower floating point"]?.contains("types.float8_e5m2") == true)
        #expect(kept["no rule names them"] == nil)

        // The fixture has one number beyond half precision; its infinities are no loss.
        let losses = try #require(report["losses"]?.array)
        #expect(losses.count == 1)
        #expect(losses.first?.object?["name"]?.string == "special")
        #expect(losses.first?.object?["overflows"]?.number == 1)
        #expect(result.errorText.contains("special"))

        let special = try #require(
            try Checkpoint.open(path: output).stateDicts.first?.tensors.first { $0.name == "special" })
        let halves = try special.withContiguousBytes { bytes in
            stride(from: 0, to: bytes.count, by: 2).map { UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8 }
        }
        #expect(halves[..<4] == [0x3C00, 0xC000, 0x0000, 0x8000])
        #expect(halves[4] & 0x7C00 == 0x7C00 && halves[4] & 0x3FF != 0)
        #expect(halves[5...] == [0x7C00, 0xFC00, 0x7C00])
    }

    @Test("tensors that no rule names, and quantised ones, are told as left; a plain export leaves nothing to tell")
    func kept() throws {
        let folder = try TemporaryDirectory()
        let quantised = ToolTest.fixture("checkpoints/zip-quantised.pt")
        let report = try CheckpointToolTest.report(
            ["cast", quantised, folder.path("a.pt"), "--rule", "^channels.scales$=f16"])
        let reasons = try #require(report["kept"]?.array).compactMap { $0.object?["reason"]?.string }
        #expect(reasons == ["no rule names them", "integers", "quantised"])
        let text = try BuiltTool("ud2m-convert").run(["cast", quantised, folder.path("b.pt"), "--dtype", "f16"]).text
        #expect(text.contains("quantised"))
        let export = try CheckpointToolTest.report(["export", quantised, folder.path("c.pt")])
        #expect(export["kept"]?.array?.isEmpty == true)
    }

    @Test("a store that is cast says so, and keeps its network")
    func store() throws {
        let folder = try TemporaryDirectory()
        let (whole, half) = (folder.path("whole.ud2w"), folder.path("half.ud2w"))
        let tool = try BuiltTool("ud2m-convert")
        #expect(try tool.run([ToolTest.prior, whole, "-q"]).exitCode == 0)
        #expect(try tool.run(["cast", whole, half, "--dtype", "bf16", "-q"]).exitCode == 0)
        let (original, store) = (try WeightStore(path: whole), try WeightStore(path: half))
        #expect(store.architecture == original.architecture)
        #expect(store.contentID != original.contentID)
        #expect(store.information.lineage.count == 1)
        #expect(store.names == original.names)
        #expect(store["out.2.weight"]?.elementType == .bf16)
    }

    @Test("convert takes the same rules")
    func convert() throws {
        let folder = try TemporaryDirectory()
        let output = folder.path("out.ud2w")
        let arguments = ["convert", ToolTest.prior, output, "--dtype", "f16", "--rule", "bias$=f32"]
        let report = try CheckpointToolTest.report(arguments)
        #expect(report["losses"]?.array?.isEmpty == true)
        let store = try WeightStore(path: output)
        #expect(store["out.2.weight"]?.elementType == .f16)
        #expect(store["out.2.bias"]?.elementType == .f32)
        #expect(store.architecture != nil)
    }

    @Test(
        "rules that make no sense are usage errors",
        arguments: [
            [], ["--dtype", "i8"], ["--rule", "a"], ["--rule", "a=f64"], ["--rule", "(=f16"],
            ["--rule", String(repeating: "a", count: 1025) + "=f16"],
        ])
    func usage(_ flags: [String]) throws {
        let folder = try TemporaryDirectory()
        let arguments = ["cast", CheckpointToolTest.types, folder.path("out.pt")] + flags
        #expect(try BuiltTool("ud2m-convert").run(arguments).exitCode == 64)
        #expect(try folder.names().isEmpty)
    }
}
