import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// Which state dict commands take, and what they say about the rest of the file.
@Suite("choosing a state dict on the command line")
struct SelectionCommandTests {
    private let folder: TemporaryDirectory
    private var file: String { folder.path("in.pt") }
    private var output: String { folder.path("out.safetensors") }

    init() throws { folder = try TemporaryDirectory() }

    private var commands: [[String]] {
        [["ls", file], ["stat", file], ["diff", file, file], ["export", file, output]]
    }

    @Test("equally plausible state dicts are refused with a table, but inspect says that the choice is open")
    func ambiguous() throws {
        try HandMadeCheckpoint.write([("m", 4), ("dd", 5)], to: file)
        for command in commands {
            let error = try ToolTest.failure("ud2m-convert", command, exitCode: 64).object
            #expect(error?["code"]?.string == "state-dict-ambiguous", "\(command)")
            let candidates = try #require(error?["candidates"]?.array).compactMap(\.object)
            #expect(candidates.map { $0["select"]?.string } == ["m", "dd"])
            #expect(candidates.map { $0["bytes"]?.number } == [16, 20])
            #expect(error?["remedy"]?.string?.contains("--select") == true)
            let chosen = try CheckpointToolTest.report(command + ["--select", "m"])
            #expect(
                (chosen["state"] ?? chosen["input"]?.object?["state"] ?? chosen["a"]?.object?["state"])?.array?.count
                    == 1)
        }
        let text = try BuiltTool("ud2m-convert").run(["ls", file]).errorText
        #expect(text.contains("16 bytes") && text.contains("20 bytes"))
        let selection = try CheckpointToolTest.report(["inspect", file])["selection"]?.object
        #expect(selection?["isOpen"] == .bool(true))
        #expect(selection?["candidates"]?.array?.count == 2)
        #expect(try BuiltTool("ud2m-convert").run(["inspect", file]).text.contains("choice is open"))
    }

    @Test("a state dict that dwarfs the others, or has a usual name, is taken, and the others are named")
    func dominant() throws {
        for (stateDicts, taken) in [
            ([("m", 4), ("dd", 40)], "dd"), ([("big", 400), ("state_dict", 5)], "state_dict"),
        ] {
            try HandMadeCheckpoint.write(stateDicts, looseTensor: true, to: file)
            let report = try CheckpointToolTest.report(["ls", file])
            #expect(report["state"] == .array([.string(taken)]))
            for command in commands {
                let report = try CheckpointToolTest.report(command + (command[0] == "export" ? ["--force"] : []))
                let place = report["a"]?.object ?? report
                #expect(place["otherStateDicts"]?.array?.count == 1, "\(command)")
                #expect(place["looseTensors"] == .array([.array([.string("list"), .string("0")])]))
            }
            let result = try BuiltTool("ud2m-convert").run(["stat", file])
            #expect(result.errorText.contains("took state dict \(taken)"))
            #expect(result.errorText.contains("1 tensors are in no state dict"))
            #expect(try BuiltTool("ud2m-convert").run(["ls", file, "-q"]).errorText.isEmpty)
        }
    }

    @Test("tensors beside a nested state dict are named as the other state dicts are, and can be selected")
    func looseTensors() throws {
        let pickle = PickleAssembler()
        pickle.op(.emptyList).tensor("0", count: 2, shape: [2], strides: [1]).op(.append)
        pickle.op(.emptyDict).text("w").tensor("0", count: 2, shape: [2], strides: [1]).op(.setItem).op(.append)
        pickle.tensor("0", count: 2, shape: [2], strides: [1]).op(.append)
        let archive = TorchArchive(pickle: pickle.stopped, storages: ["0": TorchArchive.floats([1, 2])])
        try Data(archive.zip.build()).write(to: URL(filePath: file))
        let inspected = try CheckpointToolTest.report(["inspect", file])
        #expect(inspected["selection"]?.object?["path"] == .array([.string("1")]))
        #expect(inspected["looseTensors"] == .array([.array([.string("0")]), .array([.string("2")])]))
        #expect(try BuiltTool("ud2m-convert").run(["inspect", file]).text.contains("no state dict: 0, 2"))
        #expect(try BuiltTool("ud2m-convert").run(["ls", file]).errorText.contains(": 0, 2"))
        let root = try CheckpointToolTest.report(["ls", file, "--select", "(root)"])
        #expect(root["tensors"]?.array?.compactMap { $0.object?["name"]?.string } == ["0", "2"])
        #expect(root["looseTensors"]?.array?.isEmpty == true)
    }

    @Test("tensors that cannot be delivered are named by every command, quiet or not")
    func skipped() throws {
        let meta = ToolTest.fixture("checkpoints/zip-meta.pt")
        for command in [["ls", meta], ["stat", meta], ["diff", meta, meta], ["export", meta, output]] {
            let report = try CheckpointToolTest.report(command)
            #expect((report["a"]?.object ?? report)["skipped"]?.array?.count == 1, "\(command)")
            let quiet = try BuiltTool("ud2m-convert").run(
                command + ["-q"] + (command[0] == "export" ? ["--force"] : []))
            #expect(quiet.errorText.contains("cannot be delivered"), "\(command)")
        }
    }

    @Test("the insides of rebuilt objects are no candidates")
    func internals() throws {
        let jagged = ToolTest.fixture("checkpoints/zip-jagged.pt")
        let error = try ToolTest.failure("ud2m-convert", ["ls", jagged], exitCode: 65).object
        #expect(error?["code"]?.string == "no-state-dict")
        #expect(try CheckpointToolTest.report(["inspect", jagged])["selection"] == nil)
        // Whoever asks for them gets them.
        #expect(
            try CheckpointToolTest.report(["ls", jagged, "--select", "jagged.@arg:2.0"])["tensors"]?.array?.count == 2)
    }

    @Test("a pattern that matches nothing is no success, and nothing is written")
    func patterns() throws {
        try HandMadeCheckpoint.write([("state_dict", 4)], to: file)
        for command in commands {
            let report = try CheckpointToolTest.report(command + ["--include", "nothing*"], exitCode: 1)
            #expect(report["unmatchedPatterns"] == .array([.string("nothing*")]), "\(command)")
            let text = try BuiltTool("ud2m-convert").run(command + ["--include", "nothing*", "-q"])
            #expect(text.exitCode == 1 && text.errorText.contains("nothing*"), "\(command)")
            _ = try CheckpointToolTest.report(command + ["--exclude", "*"], exitCode: 1)
            #expect(!FileManager.default.fileExists(atPath: output))
        }
        let excluded = try BuiltTool("ud2m-convert").run(["ls", file, "--exclude", "nothing*"])
        #expect(excluded.exitCode == 0 && excluded.errorText.contains("nothing*"))
    }

    @Test("export and cast write the tensors that the patterns let through")
    func partialExport() throws {
        let types = CheckpointToolTest.types
        let flags = ["--include", "layers.*", "--exclude", "*.bias"]
        let exported = try CheckpointToolTest.report(["export", types, output] + flags)
        #expect(exported["tensors"]?.array?.count == 3)
        #expect(
            Set(try SafetensorsFile(path: output).entries.map(\.name.text))
                == ["layers.0.weight", "layers.1.weight", "layers.2.weight"])
        let cast = try CheckpointToolTest.report(["cast", types, folder.path("c.pt"), "--dtype", "f16"] + flags)
        #expect(cast["tensors"]?.array?.count == 3)
        // A part of a network is no network.
        let part = folder.path("part.ud2w")
        _ = try CheckpointToolTest.report(["export", ToolTest.prior, part, "--include", "out.*"])
        #expect(try WeightStore(path: part).architecture == nil)
    }
}
