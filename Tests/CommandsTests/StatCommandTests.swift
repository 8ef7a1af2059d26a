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
}
