import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

/// The flags of every command that loads a checkpoint.
@Suite("flags for reading checkpoints")
struct InputOptionsTests {
    private let folder: TemporaryDirectory
    private var file: String { folder.path("in.pt") }

    init() throws { folder = try TemporaryDirectory() }

    private func loading(_ file: String) -> [[String]] {
        [["stat", file], ["diff", file, file], ["export", file, folder.path("out.npz"), "--force"]]
    }

    @Test("records without a checksum are described with a remark, and read when asked for")
    func missingChecksums() throws {
        try HandMadeCheckpoint.write([("state_dict", 4)], recordsChecksums: false, to: file)
        let remarks = try CheckpointToolTest.report(["inspect", file])["remarks"]?.array?.compactMap(\.string)
        #expect(remarks?.contains { $0.contains("no checksum") } == true)
        _ = try CheckpointToolTest.report(["ls", file])
        _ = try CheckpointToolTest.report(["scan", file])
        for command in loading(file) {
            let error = try ToolTest.failure("ud2m-convert", command, exitCode: 65).object
            #expect(error?["code"]?.string == "zip-checksum", "\(command)")
            _ = try CheckpointToolTest.report(command + ["--allow-missing-crc"])
        }
        _ = try CheckpointToolTest.report(["verify", file], exitCode: 1)
        _ = try CheckpointToolTest.report(["verify", file, "--allow-missing-crc"])
    }

    @Test("dangerous files are loaded only when asked for, and described always")
    func flagged() throws {
        let dangerous = ToolTest.fixture("tools/dangerous.pt")
        _ = try CheckpointToolTest.report(["inspect", dangerous])
        let hostile = ToolTest.fixture("attacks/call-reduce.pt")
        let refused = try ToolTest.failure("ud2m-convert", ["export", hostile, folder.path("a.pt")], exitCode: 77)
            .object
        #expect(refused?["code"]?.string == "pickle-dangerous")
        for command in loading(dangerous) {
            #expect(
                try ToolTest.failure("ud2m-convert", command, exitCode: 77).object?["code"]?.string
                    == "pickle-dangerous")
            let allowed = try BuiltTool("ud2m-convert").run(command + ["--allow-flagged"])
            #expect(allowed.exitCode != 77, "\(command): \(allowed.errorText)")
        }
        let both = ["stat", dangerous, "--allow-flagged", "--strict-globals"]
        #expect(try BuiltTool("ud2m-convert").run(both).exitCode == 64)
    }

    @Test("strict globals refuse unknown classes")
    func strict() throws {
        for command in loading(ToolTest.fixture("tools/unknown-class.pt")) {
            _ = try CheckpointToolTest.report(command)
            let error = try ToolTest.failure("ud2m-convert", command + ["--strict-globals"], exitCode: 77).object
            #expect(error?["code"]?.string == "pickle-unknown")
        }
        _ = try CheckpointToolTest.report(["stat", CheckpointToolTest.types, "--strict-globals"])
    }

    @Test("a tensor that repeats few bytes into many is written out only when asked for")
    func expansion() throws {
        // A little more than the 256 MiB that are always allowed.
        try HandMadeCheckpoint.writeExpanded((256 << 20) / 4 + 1, to: file)
        let error = try ToolTest.failure("ud2m-convert", ["stat", file], exitCode: 65).object
        #expect(error?["code"]?.string == "tensor-expansion")
        #expect(error?["remedy"]?.string?.contains("--allow-expand") == true)
        try HandMadeCheckpoint.writeExpanded(1000, to: file)
        let low = ["--limit", "expansion-floor-bytes=256"]
        #expect(
            try ToolTest.failure("ud2m-convert", ["stat", file] + low, exitCode: 65).object?["code"]?.string
                == "tensor-expansion")
        for flags in [["--allow-expand"], ["--limit", "expansion-factor=1000"]] {
            let tensor = try CheckpointToolTest.report(["stat", file] + low + flags)["tensors"]?.array?.first
            #expect(tensor?.object?["count"]?.number == 1000)
        }
    }

    @Test("limits are overridden by name, with sizes as people write them")
    func limits() throws {
        let types = CheckpointToolTest.types
        let error = try ToolTest.failure("ud2m-convert", ["ls", types, "--limit", "pickle-bytes=1kB"], exitCode: 65)
        #expect(
            error.object?["code"]?.string?.hasPrefix("zip-") == true || error.object?["code"]?.string == "pickle-limit")
        _ = try CheckpointToolTest.report(["ls", types, "--limit", "pickle-bytes=1MiB", "--limit", "tensors=100"])
        let count = ["--limit", "tensors=3"]
        let listing = try ToolTest.failure("ud2m-convert", ["ls", types] + count, exitCode: 65)
        #expect(listing.object?["code"]?.string == "torch-tensor-limit")
        // A scan reports what ended it.
        let scan = try BuiltTool("ud2m-convert").run(["scan", types, "--json"] + count)
        #expect(scan.exitCode == 65)
        #expect(
            try ToolTest.checked(scan.output, "scan").object?["error"]?.object?["code"]?.string == "torch-tensor-limit")
        for value in ["nothing=3", "tensors", "tensors=-1", "tensors=x"] {
            #expect(try BuiltTool("ud2m-convert").run(["ls", types, "--limit", value]).exitCode == 64, "\(value)")
        }
    }

    @Test("one pickle of a package is read by its name")
    func resource() throws {
        let package = ToolTest.fixture("checkpoints/package-two.pt")
        let error = try ToolTest.failure("ud2m-convert", ["ls", package], exitCode: 64).object
        #expect(error?["code"]?.string == "state-dict-ambiguous")
        let report = try CheckpointToolTest.report(["ls", package, "--resource", "models/extra.pkl"])
        #expect(report["tensors"]?.array?.count == 2)
    }

    @Test("a part of a network is converted only when asked for, and the store says what it lacks")
    func partial() throws {
        let half = folder.path("half.safetensors")
        let store = folder.path("half.ud2w")
        try PartialCheckpoint.write(of: ToolTest.prior, without: "out.2.bias", to: half)
        let error = try ToolTest.failure("ud2m-convert", [half, store], exitCode: 65).object
        #expect(error?["remedy"]?.string?.contains("--partial") == true)
        let report = try CheckpointToolTest.report(["convert", half, store, "--partial"])
        #expect(report["missing"] == .array([.string("out.2.bias")]))
        #expect(try WeightStore(path: store).names.count == 269)
        #expect(try WeightStore(path: store).metadata["ud2w.source"]?.contains(#""missing":1"#) == true)
        _ = try CheckpointToolTest.report(["convert", half, "--dry-run", "--partial"])
        #expect(try BuiltTool("ud2m-convert").run([half, store, "--partial", "--force"]).errorText.contains("lacks 1"))
    }

    @Test("tensors are missing with leave where their names fit a pattern, and only those; the store names them")
    func allowMissing() throws {
        let half = folder.path("half.safetensors")
        let store = folder.path("half.ud2w")
        try PartialCheckpoint.write(of: ToolTest.prior, without: "out.2.bias", to: half)
        let other = [half, store, "--allow-missing", "^bias", "--allow-missing", "time_embed"]
        let error = try ToolTest.failure("ud2m-convert", other, exitCode: 65).object
        #expect(error?["code"]?.string == "tensors-missing")
        #expect(error?["remedy"]?.string?.contains("--allow-missing") == true)
        let flags = ["--allow-missing", #"^out\.\d\.bias$"#]
        let report = try CheckpointToolTest.report(["convert", half, store] + flags)
        #expect(report["missing"] == .array([.string("out.2.bias")]))
        #expect(report["allowedMissing"] == report["missing"])
        let source = try #require(try WeightStore(path: store).metadata["ud2w.source"])
        #expect(source.contains(#""missing":1"#) && source.contains(#""missingTensors":["out.2.bias"]"#))
        #expect(try WeightStore(path: store).names.count == 269)
        let again = try BuiltTool("ud2m-convert").run([half, store, "--force"] + flags)
        #expect(again.exitCode == 0 && again.errorText.contains("lacks 1"))
        _ = try CheckpointToolTest.report(["convert", half, "--dry-run"] + flags)
        _ = try CheckpointToolTest.report(["convert", half, "--dry-run", "--allow-missing", "^bias"], exitCode: 1)
        let broken = try ToolTest.failure("ud2m-convert", [half, store, "--allow-missing", "("], exitCode: 64).object
        #expect(broken?["code"]?.string == "allow-missing")
    }

    @Test("the digest of the source is recorded when asked for")
    func sourceDigest() throws {
        let store = folder.path("prior.ud2w")
        _ = try CheckpointToolTest.report(["convert", ToolTest.prior, store, "--source-hash"])
        var hash = try SHA256()
        try Data(contentsOf: URL(filePath: ToolTest.prior)).withUnsafeBytes { try hash.update($0) }
        let digest = try hash.finish()
        #expect(try WeightStore(path: store).metadata["ud2w.source"]?.contains(#""sha256":"\#(digest)""#) == true)
        _ = try CheckpointToolTest.report(["convert", ToolTest.prior, store, "--force"])
        #expect(try WeightStore(path: store).metadata["ud2w.source"]?.contains("sha256") == false)
        let plan = try CheckpointToolTest.report(["convert", ToolTest.prior, "--dry-run", "--source-hash"])
        let real = try CheckpointToolTest.report(["convert", ToolTest.prior, store, "--force", "--source-hash"])
        #expect(plan["output"]?.object?["bytes"] == real["output"]?.object?["bytes"])
    }
}
