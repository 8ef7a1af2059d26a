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

    @Test(
        "tensors outside any state dict have names too",
        arguments: [
            (
                ["../tools/part-names.pt"],
                ["coo.indices_", "coo.values", "coo.indices", "n.0_", "n.1", "n.0"]
            ),
            (["zip-root-tensor.pt"], ["tensor"]), (["array.npy"], ["tensor"]), (["zip-root-list.pt"], ["0", "1"]),
            (["zip-root-list.pt", "--select", "1"], ["tensor"]),
            (["arrays-protocol2.pkl"], ["mean", "big", "fortran", "more.0"]),
            (["zip-protocol0.pt", "--select", "list"], ["0"]), (["zip-protocol0.pt", "--select", "list.1"], ["inner"]),
            (["zip-keys-kinds.pt", "--select", "1"], ["tensor"]),
            (["zip-keys-kinds.pt", "--select", "@key:'1'"], ["0"]),
        ])
    func loose(_ arguments: [String], _ expected: [String]) throws {
        let path = ToolTest.fixture("checkpoints/\(arguments[0])")
        let report = try CheckpointToolTest.report(["ls", path] + arguments.dropFirst())
        #expect(report["tensors"]?.array?.compactMap { $0.object?["name"]?.string } == expected)
    }

    @Test("loose tensors are exported, cast, measured and compared as any other")
    func looseEverywhere() throws {
        let folder = try TemporaryDirectory()
        let tool = try BuiltTool("ud2m-convert")
        let input = ToolTest.fixture("checkpoints/zip-root-list.pt")
        let output = folder.path("out.safetensors")
        #expect(try tool.run(["export", input, output]).exitCode == 0)
        #expect(try tool.run(["diff", input, output]).exitCode == 0)
        #expect(try tool.run(["stat", input]).exitCode == 0)
        #expect(try tool.run(["cast", input, folder.path("half.safetensors"), "--dtype", "f16"]).exitCode == 0)
        #expect(try CheckpointToolTest.digests(output).keys.sorted() == ["0", "1"])
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
