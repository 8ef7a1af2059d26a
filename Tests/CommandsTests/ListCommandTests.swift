import Testing
import UD2MTestSupport

@Suite("ud2m-convert ls")
struct ListCommandTests {
    private func names(_ arguments: [String]) throws -> [String] {
        let report = try CheckpointToolTest.report(["ls", CheckpointToolTest.types] + arguments)
        return try #require(report["tensors"]?.array).map { try #require($0.object?["name"]?.string) }
    }

    @Test(
        "patterns choose",
        arguments: [
            (["--include", "layers.*"], 6), (["--include", "layers.[01].*"], 4), (["--include", "layers.?.bias"], 3),
            (["--include", "layers.[!0].*", "--exclude", "*.bias"], 2), (["--include", "types.*64"], 4),
            (["--include", "scalar", "--include", "empty"], 2), (["--include", #"layers\.*"#], 6),
            (["--include", "*****w*e*i*g*h*t"], 3),
        ])
    func patterns(_ arguments: [String], _ count: Int) throws {
        #expect(try names(arguments).count == count)
    }

    @Test("orders: the file's, by name, by size")
    func orders() throws {
        let file = try names([])
        #expect(file.first == "types.float64")
        #expect(
            try names(["--sort", "name"]) == file.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
        #expect(try names(["--sort", "size"]).first == "tied.first")
    }

    @Test("a tree folds alike blocks and sums up what is deeper than asked for")
    func tree() throws {
        let tool = try BuiltTool("ud2m-convert")
        let whole = try tool.run(["ls", CheckpointToolTest.types, "--tree", "--include", "layers.*"]).text
        #expect(whole.contains("0…2 (3 ×)  2 tensors, 48 bytes"))
        #expect(whole.contains("weight  F32 3×3"))
        let shallow = try tool.run(["ls", CheckpointToolTest.types, "--tree", "--depth", "1"]).text
        #expect(shallow.contains("layers  6 tensors, 144 bytes"))
        #expect(!shallow.contains("weight"))
        #expect(try tool.run(["ls", CheckpointToolTest.types, "--depth", "0"]).exitCode == 64)
    }
}
