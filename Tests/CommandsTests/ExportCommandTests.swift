import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

@Suite("ud2m-convert export")
struct ExportCommandTests {
    /// The fixture as a `.ud2w`.
    private func store(in folder: TemporaryDirectory) throws -> String {
        let source = try #require(try Checkpoint.open(path: CheckpointToolTest.types).stateDicts.first)
        let path = folder.path("types.ud2w")
        let inputs = source.tensors.filter { $0.name != "tied.second" }.map { TensorInput($0) }
        _ = try WeightStoreWriter(tensors: inputs, aliases: ["tied.second": "tied.first"]).write(to: path)
        return path
    }

    @Test("from .pt to a store and on to .pt, safetensors and shards every bit stays")
    func roundTrips() throws {
        let folder = try TemporaryDirectory()
        let store = try store(in: folder)
        let expected = try CheckpointToolTest.manifestDigests()
        #expect(try CheckpointToolTest.digests(store) == expected)
        for name in ["a.pt", "a.safetensors", "again.ud2w"] {
            let output = folder.path(name)
            let report = try CheckpointToolTest.report(["export", store, output])
            #expect(report["written"] == .bool(true))
            #expect(report["losses"]?.array?.isEmpty == true)
            let size = try #require(report["files"]?.array?.first?.object?["bytes"]?.number)
            #expect(try Data(contentsOf: URL(filePath: output)).count == Int(size))
            #expect(try CheckpointToolTest.digests(output) == expected, "\(name)")
        }
        // The content id is of the weights, whatever file they went through.
        let ids = try ["types.ud2w", "again.ud2w"].map { try WeightStore(path: folder.path($0)).contentID }
        #expect(ids[0] != nil && ids[0] == ids[1])
        let back = folder.path("back.ud2w")
        _ = try CheckpointToolTest.report(["export", folder.path("a.pt"), back])
        #expect(try WeightStore(path: back).contentID == ids[0])
        #expect(try WeightStore(path: back).aliases == ["tied.second": "tied.first"])
    }

    @Test("a .pt file holds every type of the original, aliases on one storage unless told otherwise")
    func torch() throws {
        let folder = try TemporaryDirectory()
        let output = folder.path("out.pt")
        let report = try CheckpointToolTest.report(["export", CheckpointToolTest.wrapped, output])
        #expect(report["aliases"]?.object == ["tied.second": .string("tied.first")])
        #expect(try CheckpointToolTest.digests(output) == CheckpointToolTest.manifestDigests())
        let apart = folder.path("apart.pt")
        let second = try CheckpointToolTest.report(["export", CheckpointToolTest.wrapped, apart, "--no-alias"])
        #expect(second["aliases"]?.object?.isEmpty == true)
        #expect(try CheckpointToolTest.digests(apart) == CheckpointToolTest.manifestDigests())
        let sizes = try [output, apart].map { try Data(contentsOf: URL(filePath: $0)).count }
        #expect(sizes[1] >= sizes[0] + 800)
        let kept = folder.path("kept.pt")
        _ = try CheckpointToolTest.report(["export", CheckpointToolTest.wrapped, kept, "--keep-prefix"])
        let names = try #require(try Checkpoint.open(path: kept).stateDicts.first).tensors.map(\.name)
        #expect(names.allSatisfy { $0.hasPrefix("module.") })
    }

    @Test("standard output is no place for a file, nor is a file called so by accident", arguments: ["export", "cast"])
    func standardOutput(_ command: String) throws {
        let flags = command == "cast" ? ["--dtype", "f16"] : ["--format", "pt"]
        let error = try ToolTest.failure(
            "ud2m-convert", [command, CheckpointToolTest.types, "-"] + flags, exitCode: 64)
        #expect(error.object?["message"]?.string?.contains("standard output") == true)
    }

    @Test("a checkpoint without tensors says so, and asks for no choice")
    func noTensors() throws {
        let folder = try TemporaryDirectory()
        let pickle: [UInt8] = [0x80, 2, 0x7D, 0x2E]
        let path = folder.path("empty.pt")
        try Data(TorchArchive(pickle: pickle).zip.build()).write(to: URL(filePath: path))
        let error = try ToolTest.failure("ud2m-convert", ["export", path, folder.path("out.npz")], exitCode: 65)
        #expect(error.object?["message"]?.string == "The file holds no tensors.")
        #expect(error.object?["remedy"]?.string?.contains("--select") != true)
    }

    @Test("shards are filled in order, none larger than asked for, and the index names them all")
    func shards() throws {
        let folder = try TemporaryDirectory()
        let store = try store(in: folder)
        let target = folder.path("sharded.safetensors")
        let report = try CheckpointToolTest.report(["export", store, target, "--max-shard-size", "1kB"])
        #expect(report["format"]?.string == "sharded")
        let index = folder.path("sharded.safetensors.index.json")
        let document = try #require(try JSONDocument(Data(contentsOf: URL(filePath: index))).object)
        let map = try #require(document["weight_map"]?.object)
        let expected = try CheckpointToolTest.manifestDigests()
        #expect(Set(map.keys) == Set(expected.keys))
        var found: [String: String] = [:]
        let files = Set(map.values.compactMap(\.string))
        #expect(files.count > 1)
        for file in files {
            let tensors = try SafetensorsFile(path: folder.path(file)).entries
            #expect(tensors.reduce(0) { $0 + $1.range.count } <= 1000)
            for (name, digest) in try CheckpointToolTest.digests(folder.path(file)) {
                #expect(map[name]?.string == file)
                found[name] = digest
            }
        }
        #expect(found == expected)
        #expect(Set(try folder.names()) == files.union(["types.ud2w", "sharded.safetensors.index.json"]))
        let crowded = ["export", store, folder.path("x.safetensors"), "--max-shard-size", "1000GB"]
        #expect(try CheckpointToolTest.report(crowded)["files"]?.array?.count == 2)
    }

    @Test("a new folder is created for shards, also where only the size asks for them")
    func newFolder() throws {
        let folder = try TemporaryDirectory()
        for (name, flags) in [
            ("a/", []), ("b", ["--max-shard-size", "2MB"]), ("c", ["--format", "sharded"]),
            ("d/x.safetensors", ["--max-shard-size", "2MB"]),
        ] {
            let report = try CheckpointToolTest.report(["export", ToolTest.prior, folder.path(name)] + flags)
            for file in try #require(report["files"]?.array) {
                #expect(FileManager.default.fileExists(atPath: try #require(file.object?["path"]?.string)))
            }
        }
        #expect(try folder.names() == ["a", "b", "c", "d"])
        let dry = ["export", ToolTest.prior, folder.path("e/"), "--dry-run"]
        #expect(try CheckpointToolTest.report(dry)["written"] == .bool(false))
        let deep = try ToolTest.failure("ud2m-convert", ["export", ToolTest.prior, folder.path("f/g/")], exitCode: 73)
        #expect(deep.object?["code"]?.string == "output-cannot-create")
        let file = ["export", ToolTest.prior, folder.path("g.pt"), "--max-shard-size", "2MB"]
        #expect(try BuiltTool("ud2m-convert").run(file).exitCode == 64)
        #expect(try folder.names() == ["a", "b", "c", "d"])
    }

    @Test("an earlier set of shards stays without --force and goes as a whole with it")
    func earlierSet() throws {
        let folder = try TemporaryDirectory()
        let (target, other) = (folder.path("x.safetensors"), folder.path("x-00001-of-00002.notes"))
        func export(_ size: String, _ flags: String...) throws -> [String: JSONDocument] {
            try CheckpointToolTest.report(["export", ToolTest.prior, target, "--max-shard-size", size] + flags)
        }
        #expect(try #require(try export("2MB")["files"]?.array).count == 5)
        try Data().write(to: URL(filePath: other))
        let before = try folder.names()
        let arguments = ["export", ToolTest.prior, target, "--max-shard-size", "4MB"]
        _ = try ToolTest.failure("ud2m-convert", arguments, exitCode: 73)
        #expect(try folder.names() == before)
        #expect(try export("4MB", "--force", "--dry-run")["removed"]?.array?.count == 4)
        #expect(try folder.names() == before)
        #expect(try export("4MB", "--force")["removed"]?.array?.count == 4)
        let after = [
            "x-00001-of-00002.notes", "x-00001-of-00002.safetensors", "x-00002-of-00002.safetensors",
            "x.safetensors.index.json",
        ]
        #expect(try folder.names() == after)
        // Shards without an index are outputs as well, and one that is the input is never removed.
        try FileManager.default.removeItem(atPath: folder.path("x.safetensors.index.json"))
        let stale = ["export", ToolTest.prior, target, "--max-shard-size", "1GB"]
        let kept = try ToolTest.failure("ud2m-convert", stale, exitCode: 73)
        #expect(kept.object?["code"]?.string == "output-exists")
        let input = [
            "export", folder.path("x-00002-of-00002.safetensors"), target, "--max-shard-size", "1GB", "--force",
        ]
        let same = try ToolTest.failure("ud2m-convert", input, exitCode: 73)
        #expect(same.object?["code"]?.string == "output-is-input")
    }

    @Test("types that a format lacks are refused by the tensor's name and leave nothing")
    func refusedTypes() throws {
        let folder = try TemporaryDirectory()
        for (input, name, tensor, code) in [
            (CheckpointToolTest.types, "a.npz", "types.bfloat16", "export-dtype"),
            (ToolTest.fixture("checkpoints/zip-quantised.pt"), "b.npz", "qint8", "export-dtype"),
            (ToolTest.fixture("checkpoints/zip-bits.pt"), "c.npz", "bits8", "export-dtype"),
        ] {
            let error = try ToolTest.failure(
                "ud2m-convert", ["export", input, folder.path(name)], exitCode: 64)
            #expect(error.object?["code"]?.string == code)
            #expect(error.object?["location"]?.object?["tensor"]?.string == tensor)
        }
        #expect(try folder.names().isEmpty)
    }

    @Test("types that safetensors lacks are written as others with a warning, and as they are in .pt files and stores")
    func retyped() throws {
        let folder = try TemporaryDirectory()
        let (types, odd) = (CheckpointToolTest.types, ToolTest.fixture("checkpoints/zip-dtypes-v3.pt"))
        let report = try CheckpointToolTest.report(["export", types, folder.path("a.safetensors")])
        let tensor = try #require(report["retyped"]?.array?.first?.object)
        #expect(report["retyped"]?.array?.count == 1)
        #expect(tensor["name"]?.string == "types.complex128" && tensor["dtype"]?.string == "complex128")
        #expect(tensor["writtenAs"]?.string == "F64" && tensor["writtenShape"]?.array?.last?.number == 2)
        let text = try BuiltTool("ud2m-convert").run(["export", odd, folder.path("b/"), "-q"]).errorText
        #expect(text.contains("complex32") && text.contains("U32"))
        for name in ["c.pt", "d.ud2w"] {
            let kept = try CheckpointToolTest.report(["export", types, folder.path(name)])
            #expect(kept["retyped"]?.array?.isEmpty == true)
        }
        // What is advised against a refusal works.
        let only = ["--include", "*complex32*"]
        let error = try ToolTest.failure("ud2m-convert", ["export", odd, folder.path("e.npz")] + only, exitCode: 64)
        #expect(error.object?["remedy"]?.string?.contains("as .pt") == true)
        #expect(error.object?["remedy"]?.string?.contains("--dtype") == false)
        _ = try CheckpointToolTest.report(["export", odd, folder.path("e.pt")] + only)
    }

    @Test(
        "a name that is no text is shown escaped, and is the file's fault",
        arguments: ["npz", "safetensors", "pt", "ud2w"])
    func surrogate(_ format: String) throws {
        let folder = try TemporaryDirectory()
        let file = folder.path("odd.pt")
        let pickle = PickleAssembler()
        pickle.op(.emptyDict)
        pickle.op(.binUnicode, [5, 0, 0, 0, UInt8(ascii: "a"), 0xED, 0xA0, 0x80, UInt8(ascii: "b")])
        pickle.tensor("0", count: 2, shape: [2], strides: [1]).op(.setItem)
        pickle.text("ok").tensor("0", count: 2, shape: [2], strides: [1]).op(.setItem)
        let archive = TorchArchive(pickle: pickle.stopped, storages: ["0": TorchArchive.floats([1, 2])])
        try Data(archive.zip.build()).write(to: URL(filePath: file))
        let names = try CheckpointToolTest.report(["ls", file])["tensors"]?.array
        #expect(names?.first?.object?["name"]?.string == #"a\u{d800}b"#)
        let command = ["export", file, folder.path("out.\(format)")]
        let error = try ToolTest.failure("ud2m-convert", command, exitCode: 65).object
        let place = error?["location"]?.object
        #expect((place?["tensor"] ?? place?["entry"])?.string?.hasPrefix(#"a\u{d800}b"#) == true)
        #expect(error?["remedy"]?.string?.contains("--exclude") == true)
        #expect(try CheckpointToolTest.report(command + ["--exclude", "a*b"])["tensors"]?.array?.count == 1)
    }

    @Test("a dry run tells the files and sizes that a real one writes")
    func dryRun() throws {
        let folder = try TemporaryDirectory()
        for name in ["a.pt", "a.safetensors", "a.npz", "a.ud2w"] {
            let output = folder.path(name)
            let plan = try CheckpointToolTest.report(["export", ToolTest.prior, output, "--dry-run"])
            #expect(plan["written"] == .bool(false))
            #expect(!FileManager.default.fileExists(atPath: output))
            let real = try CheckpointToolTest.report(["export", ToolTest.prior, output])
            #expect(plan["files"] == real["files"])
            let size = try Data(contentsOf: URL(filePath: output)).count
            #expect(real["files"]?.array?.first?.object?["bytes"]?.number == Double(size))
        }
    }

    @Test("existing outputs stay without --force; the input is never replaced; the same input gives the same bytes")
    func outputs() throws {
        let folder = try TemporaryDirectory()
        let (output, other) = (folder.path("a.pt"), folder.path("b.pt"))
        _ = try CheckpointToolTest.report(["export", CheckpointToolTest.types, output])
        let first = try Data(contentsOf: URL(filePath: output))
        let error = try ToolTest.failure("ud2m-convert", ["export", CheckpointToolTest.types, output], exitCode: 73)
        #expect(error.object?["code"]?.string == "output-exists")
        _ = try CheckpointToolTest.report(["export", CheckpointToolTest.types, output, "--force"])
        _ = try CheckpointToolTest.report(["export", CheckpointToolTest.types, other])
        #expect(try first == Data(contentsOf: URL(filePath: output)))
        #expect(try first == Data(contentsOf: URL(filePath: other)))
        let same = try ToolTest.failure("ud2m-convert", ["export", output, output, "--force"], exitCode: 73)
        #expect(same.object?["code"]?.string == "output-is-input")
        let tool = try BuiltTool("ud2m-convert")
        #expect(try tool.run(["export", output, folder.path("noformat")]).exitCode == 64)
        #expect(try tool.run(["export", output, folder.path("c.pt"), "--max-shard-size", "2X"]).exitCode == 64)
    }
}
