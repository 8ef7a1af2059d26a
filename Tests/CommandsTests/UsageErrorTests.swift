import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// Command lines that make no sense.
@Suite("usage errors")
struct UsageErrorTests {
    @Test(
        "a mistyped subcommand is not taken for a file",
        arguments: [
            (["inpect", "file"], "inspect"), (["inpect", "file", "--all"], "inspect"), (["dif", "a", "b"], "diff"),
            (["sl", "a"], "ls"), (["exprot", "a", "b.pt"], "export"),
        ])
    func suggestion(_ arguments: [String], _ name: String) throws {
        let result = try BuiltTool("ud2m-convert").run(arguments)
        #expect(result.exitCode == 64)
        #expect(result.errorText.contains("Did you mean ud2m-convert \(name)?"))
        let error = try ToolTest.failure("ud2m-convert", arguments + ["--json"], exitCode: 64).object
        #expect(error?["code"]?.string == "usage")
    }

    @Test("other words are inputs", arguments: ["checkpoint", "model.pt", "./inpect", "list.d/inspec"])
    func inputs(_ name: String) throws {
        #expect(try BuiltTool("ud2m-convert").run([name, "out.ud2w"]).exitCode == 66)
    }

    @Test(
        "a value that an option does not take is told what it takes",
        arguments: [
            (["ls", "in.pt", "--limit", "nothing=3"], "pickle-bytes"), (["ls", "in.pt", "--limit", "tensors"], "rank"),
            (["ls", "in.pt", "--limit", "tensors=x"], "MiB"),
            (["export", "in.pt", "out.npz", "--rule", "a=f64"], "bf16"),
            (["cast", "in.pt", "out.npz", "--rule", "weight"], "regex=type"),
            (["export", "in.pt", "out/", "--max-shard-size", "2X"], "GiB"),
        ])
    func accepted(_ arguments: [String], _ word: String) throws {
        let text = try BuiltTool("ud2m-convert").run(arguments)
        #expect(text.exitCode == 64)
        // The usage line that follows names every option.
        let message = text.errorText.prefix { $0 != "\n" }
        #expect(message.contains(word), "\(message)")
        let error = try ToolTest.failure("ud2m-convert", arguments, exitCode: 64).object
        #expect(error?["message"]?.string?.contains(word) == true)
    }

    @Test("arguments that are not UTF-8 are usage errors", arguments: ["", "--json"])
    func encoding(_ flag: String) throws {
        let tool = try BuiltTool("ud2m-convert").url.path(percentEncoded: false)
        let shell = BuiltTool(url: URL(filePath: "/bin/sh"))
        let result = try shell.run(["-c", #"exec '\#(tool)' ls "$(printf 'a\377b')" \#(flag)"#])
        #expect(result.exitCode == 64, "\(result.errorText)")
        #expect(result.errorText.contains("UTF-8"))
    }

    @Test("a tensor whose name the format cannot hold is the file's fault")
    func tensorName() throws {
        let folder = try TemporaryDirectory()
        let pickle = PickleAssembler()
        pickle.op(.emptyDict).text("__metadata__").tensor("0", count: 2, shape: [2], strides: [1])
        pickle.op(.setItem)
        let archive = TorchArchive(pickle: pickle.stopped, storages: ["0": TorchArchive.floats([1, 2])])
        let file = folder.path("odd.pt")
        try Data(archive.zip.build()).write(to: URL(filePath: file))
        let error = try ToolTest.failure(
            "ud2m-convert", ["export", file, folder.path("odd.safetensors")], exitCode: 65
        ).object
        #expect(error?["code"]?.string == "store-tensor")
        #expect(error?["location"]?.object?["tensor"]?.string == "__metadata__")
    }
}
