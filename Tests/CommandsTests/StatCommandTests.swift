import Foundation
import Testing
import UD2MTestSupport

@Suite("ud2m-convert stat")
struct StatCommandTests {
    @Test("special numbers are counted and kept out of the moments")
    func special() throws {
        let report = try CheckpointToolTest.report(["stat", CheckpointToolTest.types, "--include", "special"])
        let tensor = try #require(report["tensors"]?.array?.first?.object)
        #expect(tensor["count"]?.number == 8)
        #expect(tensor["nan"]?.number == 1)
        #expect(tensor["inf"]?.number == 2)
        #expect(tensor["zeros"]?.number == 0.25)
        #expect(tensor["min"]?.number == -2)
        #expect(tensor["max"]?.number == 70000)
        #expect(tensor["mean"]?.number == 69999.0 / 5)
    }

    @Test("tensors without numbers have no moments")
    func without() throws {
        let report = try CheckpointToolTest.report(
            ["stat", CheckpointToolTest.types, "--include", "empty"])
        for tensor in try #require(report["tensors"]?.array) {
            #expect(tensor.object?["mean"] == nil && tensor.object?["min"] == nil)
        }
        #expect(report["tensors"]?.array?.count == 1)
        let packed = try CheckpointToolTest.report(["stat", CheckpointToolTest.types, "--include", "types.float4*"])
        #expect(packed["tensors"]?.array?.first?.object?["mean"]?.number != nil)
        #expect(try BuiltTool("ud2m-convert").run(["stat", ToolTest.prior]).text.contains("out.2.weight"))
    }

    @Test("extremes of 64-bit integers are given to the last digit", arguments: ["i", "u"])
    func integers(_ kind: String) throws {
        let folder = try TemporaryDirectory()
        let header = "{'descr': '<\(kind)8', 'fortran_order': False, 'shape': (2,), }\n"
        var bytes = Array("\u{93}NUMPY".unicodeScalars.map { UInt8($0.value) }) + [1, 0, UInt8(header.utf8.count), 0]
        bytes += header.utf8
        // The largest number and one that lies between two doubles.
        for value: UInt64 in [kind == "i" ? 0x7FFF_FFFF_FFFF_FFFF : .max, (1 << 53) + 1] {
            withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
        }
        let path = folder.path("integers.npy")
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let text = try BuiltTool("ud2m-convert").run(["stat", path, "--json"]).text
        #expect(text.contains(kind == "i" ? "9223372036854775807" : "18446744073709551615"))
        #expect(text.contains("9007199254740993"))
    }
}
