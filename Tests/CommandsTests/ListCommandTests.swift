import Foundation
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

    @Test("what a sparse tensor is a whole of is said by ls, inspect and export")
    func sparse() throws {
        let folder = try TemporaryDirectory()
        let tool = try BuiltTool("ud2m-convert")
        let input = ToolTest.fixture("checkpoints/zip-sparse.pt")
        for command in ["ls", "inspect"] {
            let coo = try #require(try CheckpointToolTest.report([command, input])["sparse"]?.array?.first?.object)
            #expect(coo["name"]?.string == "coo" && coo["layout"]?.string == "torch.sparse_coo")
            #expect(coo["parts"] == .array([.string("coo.indices"), .string("coo.values")]))
            #expect(try #require(coo["shape"]?.array).count == 2)
            #expect(try tool.run([command, input]).text.contains("sparse coo: torch.sparse_coo of "))
        }
        let store = folder.path("a.ud2w")
        #expect(try CheckpointToolTest.report(["export", input, store])["sparseParts"]?.array?.count == 8)
        let text = try tool.run(["export", input, store, "--force"])
        #expect(text.errorText.contains("coo.indices, coo.values") && text.errorText.contains("--densify"))
        let whole = try CheckpointToolTest.report(["export", store, folder.path("whole.npz"), "--densify"])
        #expect(whole["sparseParts"]?.array?.isEmpty == true)
        // A .pt file holds them as they are, of a store too.
        let torch = try CheckpointToolTest.report(["export", store, folder.path("a.pt")])
        #expect(torch["sparseParts"]?.array?.isEmpty == true)
        #expect(try CheckpointToolTest.digests(folder.path("a.pt")) == CheckpointToolTest.digests(input))
    }

    @Test("oddities of a file that change nothing are said by ls, stat and export")
    func remarks() throws {
        let folder = try TemporaryDirectory()
        let tool = try BuiltTool("ud2m-convert")
        let header = #"{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"colour":"red"}}"#
        let bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + Array(header.utf8) + [7]
        let path = folder.path("odd.safetensors")
        try Data(bytes).write(to: URL(filePath: path))
        for arguments in [["ls", path], ["stat", path], ["export", path, folder.path("out.npz"), "--force"]] {
            let remarks = try CheckpointToolTest.report(arguments)["remarks"]?.array
            #expect(remarks?.first?.string?.contains("colour") == true, "\(arguments)")
            #expect(try tool.run(arguments).errorText.contains("colour"), "\(arguments)")
            #expect(try tool.run(arguments + ["-q"]).errorText.isEmpty, "\(arguments)")
        }
        let error = try ToolTest.failure("ud2m-convert", ["stat", path, "--strict-globals"], exitCode: 65).object
        #expect(error?["code"]?.string == "safetensors-unknown-field")
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
