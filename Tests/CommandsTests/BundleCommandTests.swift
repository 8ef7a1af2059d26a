import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

@Suite("ud2m bundle")
struct BundleCommandTests {
    let folder: TemporaryDirectory
    /// The network of `adm/adm_a.pt` as a store.
    let base: String
    /// A whole checkpoint of UD2M's training, under a name as its programs give.
    let run: String

    init() throws {
        folder = try TemporaryDirectory()
        base = folder.path("prior.ud2w")
        let arguments = [ToolTest.fixture("adm/adm_a.pt"), base, "--head-channels", "16", "-q"]
        try #require(try BuiltTool("ud2m-convert").run(arguments).exitCode == 0)
        run = folder.path("imagenet_lora_sr_bicubic_epoch=010-5.ckpt")
        try RunCheckpoint.write(to: run)
    }

    /// Runs a subcommand under `--json` and checks its report against the subcommand's schema.
    private func report(
        _ arguments: [String], exitCode: Int32 = 0, environment: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [String: JSONDocument] {
        let result = try BuiltTool("ud2m").run(["bundle"] + arguments + ["--json"], environment: environment)
        #expect(result.exitCode == exitCode, "\(result.errorText)", sourceLocation: sourceLocation)
        let document = try ToolTest.checked(result.output, "bundle-\(arguments[0])")
        return try #require(document.object, sourceLocation: sourceLocation)
    }

    private func failure(
        _ arguments: [String], exitCode: Int32, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [String: JSONDocument] {
        let error = try ToolTest.failure(
            "ud2m", ["bundle"] + arguments, exitCode: exitCode, sourceLocation: sourceLocation)
        return try #require(error.object, sourceLocation: sourceLocation)
    }

    private func tensors(_ path: String) throws -> [String: [Float]] {
        let tensors = try #require(try Checkpoint.open(path: path).stateDicts.first).tensors
        return Dictionary(
            try tensors.map { ($0.name.text, try $0.floats()) }, uniquingKeysWith: { first, _ in first })
    }

    /// Makes the bundle of the training checkpoint.
    private func made(_ name: String = "b.ud2w", _ more: [String] = []) throws -> String {
        let path = folder.path(name)
        _ = try report(["create", run, "--base", base, "-o", path] + more)
        return path
    }

    @Test("create takes of a training checkpoint what a task needs, and lists the rest")
    func create() throws {
        let path = folder.path("b.ud2w")
        let arguments = ["create", run, "--base", base, "-o", path, "--sigma", "0.025"]
        let dry = try report(arguments + ["--dry-run"])
        #expect(!FileManager.default.fileExists(atPath: path))
        let found = try report(arguments)
        #expect(found["output"]?.object?["bytes"] == dry["output"]?.object?["bytes"])
        #expect(try Data(contentsOf: URL(filePath: path)).count == Int(found["output"]?.object?["bytes"]?.number ?? 0))
        let dropped = try #require(found["dropped"]?.array).compactMap { $0.object?["path"]?.string }
        #expect(dropped.contains("HQS_state_dict.model.*"))
        #expect(dropped.contains("optimizer_states") && dropped.contains("Discriminator_state_dict"))

        let manifest = try #require(found["manifest"]?.object)
        #expect(manifest["name"]?.string == "imagenet-sr-bicubic")
        #expect(manifest["task"]?.string == "sr" && manifest["operatorName"]?.string == "bicubic")
        #expect(manifest["flavour"]?.string == "reference" && manifest["usesRAM"] == .bool(true))
        #expect(manifest["sigma"]?.number == 0.025 && manifest["form"]?.string == "thin")
        #expect(
            manifest["scalars"]?.object == [
                "sp": .number(0.25), "lambdaSigma": .number(-0.5), "tAug": .number(0.125), "tLat": .number(-0.0625),
            ])
        #expect(manifest["base"]?.object?["content"]?.string == (try WeightStore(path: base).contentID))
        #expect(manifest["base"]?.object?["family"]?.string == "adm")
        let source = try #require(manifest["lineage"]?.array?.first?.object)
        #expect(source["file"]?.string == "imagenet_lora_sr_bicubic_epoch=010-5.ckpt" && source["sha256"] != nil)

        let store = try WeightStore(path: path)
        #expect(store["adapter.middle_block.1.qkv.weight.up"]?.shape == [96, 5])
        #expect(store["adapter.out.2.weight.replacement"]?.shape == [6, 32, 3, 3])
        #expect(store["ram.m_head.conv0.weight"]?.shape == [8, 3, 3, 3])
        #expect(!store.names.contains { $0.text.contains("exp_avg") || $0.text.contains("dense_layer") })
        #expect(found["output"]?.object?["contentID"]?.string == store.contentID)

        #expect(try failure(arguments, exitCode: 73)["code"]?.string == "output-exists")
        let before = try Data(contentsOf: URL(filePath: path))
        _ = try report(arguments + ["--force"])
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
        let text = try BuiltTool("ud2m").run(["bundle"] + arguments + ["--force"])
        #expect(text.exitCode == 0 && text.text.contains("imagenet-sr-bicubic") && text.text.contains("left out"))
    }

    @Test("what is not said is taken from the name, then from the publication, and said to be")
    func settings() throws {
        let file = folder.path("s.json")
        try Data(#"{"title": "from a file", "iterations": 5, "eta": 0.25, "timesteps": [999, 250]}"#.utf8).write(
            to: URL(filePath: file))
        let found = try report([
            "create", run, "--base", base, "--dry-run", "--settings", file, "--iterations", "2", "--task", "inp",
            "--operator", "random", "--name", "mine", "--flavour", "exact", "--schedule", "cosine", "--no-uses-ram",
            "--without-ram",
        ])
        let manifest = try #require(found["manifest"]?.object)
        #expect(manifest["title"]?.string == "from a file" && manifest["eta"]?.number == 0.25)
        #expect(manifest["iterations"]?.number == 2 && manifest["steps"]?.number == 2)
        #expect(manifest["task"]?.string == "inpaint" && manifest["operatorName"]?.string == "random")
        #expect(manifest["name"]?.string == "mine" && manifest["flavour"]?.string == "exact")
        #expect(manifest["schedule"]?.string == "cosine" && manifest["usesRAM"] == .bool(false))
        #expect(manifest["ram"] == nil)
        #expect(found["dropped"]?.array?.contains { $0.object?["path"]?.string == "RAM" } == true)

        let operation = folder.path("o.json")
        try Data(
            #"{"version": 1, "task": "sr", "kernel": {"kind": "bicubic"}, "factor": 4, "sigma": 0.05}"#.utf8
        ).write(to: URL(filePath: operation))
        let other = try report(["create", run, "--base", base, "--dry-run", "--operator", operation])
        let form = try #require(other["manifest"]?.object)
        #expect(form["sigma"]?.number == 0.05)
        #expect(form["operator"]?.object?["factor"]?.number == 4 && form["operator"]?.object?["sigma"] == nil)

        let plain = folder.path("last.ckpt")
        try RunCheckpoint.write(hasRAM: false, omittedScalars: ["LambdaSIG.0"], to: plain)
        #expect(
            try failure(["create", plain, "--base", base, "--dry-run"], exitCode: 65)["code"]?.string
                == "bundle-settings")
        let last = try report(["create", plain, "--base", base, "--dry-run", "--task", "deblur"])
        #expect(last["manifest"]?.object?["name"]?.string == "last")
        #expect(last["manifest"]?.object?["usesRAM"] == .bool(true))
        #expect(last["manifest"]?.object?["scalars"]?.object?["lambdaSigma"] == nil)
        #expect(try #require(last["notes"]?.array).contains { $0.string?.contains("--ram") == true })
    }

    @Test("a bundle merges to UD2M's own bits, and every command of ud2m-lora reads it")
    func merge() throws {
        let bundle = try made()
        let output = folder.path("merged.ud2w")
        let result = try BuiltTool("ud2m-lora").run(["merge", base, bundle, "-o", output, "-q"])
        #expect(result.exitCode == 0, "\(result.errorText)")
        let merged = try tensors(output)
        for (name, entry) in try Golden("lora/ud2m_merged.safetensors").tensors {
            #expect(merged[name] == entry.values)
        }
        for arguments in [["info", bundle], ["compat", base, bundle], ["svd", bundle]] {
            #expect(try BuiltTool("ud2m-lora").run(arguments).exitCode == 0)
        }
    }

    @Test("a bundle is merged into the base that it names, and into another only when asked for")
    func otherBase() throws {
        let bundle = try made()
        let (half, output) = (folder.path("half.ud2w"), folder.path("merged.ud2w"))
        #expect(try BuiltTool("ud2m-convert").run(["cast", base, half, "--dtype", "f16", "-q"]).exitCode == 0)
        let arguments = ["merge", half, bundle, "-o", output]
        let error = try ToolTest.failure("ud2m-lora", arguments, exitCode: 65).object
        #expect(error?["code"]?.string == "bundle-base-other")
        #expect(!FileManager.default.fileExists(atPath: output))
        let compat = try BuiltTool("ud2m-lora").run(["compat", half, bundle, "--json"])
        #expect(compat.exitCode == 1)
        let report = try #require(try ToolTest.checked(compat.output, "lora-compat").object)
        #expect(report["otherBase"]?.string == (try WeightStore(path: base).contentID))
        let merged = try BuiltTool("ud2m-lora").run(arguments + ["--any-base", "--json"])
        #expect(merged.exitCode == 0, "\(merged.errorText)")
        #expect(try ToolTest.checked(merged.output, "lora-merge").object?["notes"]?.array?.count == 1)
    }

    @Test("any adapter with settings becomes a bundle")
    func otherAdapters() throws {
        let adapter = folder.path("peft")
        let conversion = ["convert", ToolTest.fixture("lora/ud2m.ckpt"), "--to", "peft", "-o", adapter, "--base", base]
        #expect(try BuiltTool("ud2m-lora").run(conversion).exitCode == 0)
        let path = folder.path("p.ud2w")
        let found = try report(["create", adapter, "--base", base, "-o", path, "--task", "deblur", "--sigma", "0.1"])
        #expect(found["manifest"]?.object?["flavour"]?.string == "exact")
        #expect(found["manifest"]?.object?["scalars"] == nil)
        #expect(found["adapter"]?.object?["convention"]?.string == "peft")
        let other = try WeightStore(path: try made("b.ud2w", ["--without-ram"]))
        #expect(try WeightStore(path: path).contentID == other.contentID)
    }

    @Test("another base, a base that is no store, and no base, are refused before anything is written")
    func wrongBase() throws {
        let output = folder.path("b.ud2w")
        let demo = folder.path("demo.ud2w")
        #expect(try BuiltTool("ud2m-convert").run([ToolTest.prior, demo, "-q"]).exitCode == 0)
        let error = try failure(["create", run, "--base", demo, "-o", output], exitCode: 65)
        #expect(error["code"]?.string == "adapter-base-mismatch" && error["mismatches"] != nil)
        let checkpoint = ["create", run, "--base", ToolTest.fixture("adm/adm_a.pt"), "-o", output]
        #expect(try failure(checkpoint, exitCode: 65)["code"]?.string == "bundle-base-unusable")
        #expect(try failure(["create", run, "-o", output], exitCode: 64)["code"]?.string == "usage")
        #expect(!FileManager.default.fileExists(atPath: output))
        let bundle = try made("c.ud2w")
        let itself = ["create", run, "--base", bundle, "-o", output]
        #expect(try failure(itself, exitCode: 65)["code"]?.string == "bundle-base-unusable")
        #expect(
            try failure(["create", run, "--base", base, "-o", base, "--force"], exitCode: 73)["code"]?.string
                == "output-is-input")
        for arguments in [["-o", "x.safetensors"], [], ["--dry-run", "--sigma", "2"], ["--dry-run", "--steps", "0"]] {
            let result = try BuiltTool("ud2m").run(["bundle", "create", run, "--base", base] + arguments)
            #expect(result.exitCode == 64)
        }
    }

    @Test("RAM that is incomplete, and settings and operators that make no sense, are refused")
    func refusals() throws {
        let broken = folder.path("imagenet_lora_sr_bicubic_epoch=011-5.ckpt")
        try RunCheckpoint.write(omittedRAM: ["m_tail.conv1.weight"], to: broken)
        let output = folder.path("b.ud2w")
        let start = ["create", broken, "--base", base, "-o", output]
        #expect(try failure(start, exitCode: 65)["code"]?.string == "tensors-missing")
        let file = folder.path("s.json")
        for (text, code) in [
            (#"{"stesp": 3}"#, "bundle-settings"), (#"{"sigma": NaN}"#, "json-syntax"),
            (#"{"operator": {"version": 1, "task": "sr", "kernel": {"kind": "spiral"}}}"#, "operator-file"),
            (#"{"operator": {"version": 1, "task": "deblur"}}"#, "bundle-settings"),
            (#"{"operator": {"version": 1, "task": "sr", "factor": 1}}"#, "operator-file"),
        ] {
            try Data(text.utf8).write(to: URL(filePath: file))
            let arguments = ["create", run, "--base", base, "-o", output, "--settings", file]
            #expect(try failure(arguments, exitCode: 65)["code"]?.string == code)
        }
        #expect(!FileManager.default.fileExists(atPath: output))
    }

    @Test("inspect describes a bundle, and refuses what is none")
    func inspect() throws {
        let bundle = try made()
        let found = try report(["inspect", bundle])
        #expect(found["ram"]?.object?["tensors"]?.number == Double(RAMWeights.entries().count))
        #expect(found["base"] == nil)
        #expect(found["adapter"]?.object?["targets"]?.array?.count == 12)
        let text = try BuiltTool("ud2m").run(["bundle", "inspect", bundle, "--targets"])
        #expect(text.exitCode == 0)
        for part in ["imagenet-sr-bicubic", "reference", "middle_block.1.qkv.weight", "lambdaSigma -0.5"] {
            #expect(text.text.contains(part))
        }
        #expect(try failure(["inspect", base], exitCode: 65)["code"]?.string == "bundle-missing")
        #expect(try failure(["inspect", folder.path("none.ud2w")], exitCode: 66)["code"]?.string == "file-missing")
    }

    @Test("verify compares checksums and the base, and answers with its exit code")
    func verify() throws {
        let bundle = try made()
        let found = try report(["verify", bundle, "--deep"])
        #expect(found["ok"] == .bool(true) && found["base"]?.object?["state"]?.string == "found")
        #expect(try report(["verify", bundle, "--base", base])["base"]?.object?["state"]?.string == "found")
        let half = folder.path("half.ud2w")
        #expect(try BuiltTool("ud2m-convert").run(["cast", base, half, "--dtype", "f16", "-q"]).exitCode == 0)
        let other = try report(["verify", bundle, "--base", half], exitCode: 1)
        #expect(other["base"]?.object?["state"]?.string == "other" && other["problems"]?.array?.count == 1)

        let away = try TemporaryDirectory()
        let alone = away.path("b.ud2w")
        try FileManager.default.copyItem(atPath: bundle, toPath: alone)
        #expect(try report(["verify", alone])["base"]?.object?["state"]?.string == "missing")
        #expect(try report(["verify", alone, "--require-base"], exitCode: 1)["ok"] == .bool(false))
        let home = ["UD2M_PATH": "/nowhere:" + folder.path("")]
        #expect(
            try report(["verify", alone, "--require-base"], environment: home)["base"]?.object?["state"]?.string
                == "found")

        var bytes = try Data(contentsOf: URL(filePath: alone))
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: URL(filePath: alone))
        let damaged = try report(["verify", alone], exitCode: 1)
        #expect(damaged["mismatches"]?.array?.count == 1)
        let both = try report(["verify", bundle, alone], exitCode: 1)
        #expect(both["files"]?.array?.count == 2)
        #expect(try BuiltTool("ud2m").run(["bundle", "verify", alone, "-q"]).text.contains("NOT OK"))
    }

    @Test("list is a table of a folder's bundles, and tells what is broken")
    func list() throws {
        #expect(try report(["list", folder.path("")])["bundles"]?.array?.isEmpty == true)
        _ = try made("a.ud2w", ["--sigma", "0.025"])
        _ = try made("fat.ud2w", ["--fat", "--name", "fat"])
        let found = try report(["list", folder.path("")])
        let bundles = try #require(found["bundles"]?.array).compactMap(\.object)
        #expect(bundles.compactMap { $0["name"]?.string } == ["imagenet-sr-bicubic", "fat"])
        #expect(bundles.allSatisfy { $0["base"]?.object?["found"] == .bool(true) })
        let away = try TemporaryDirectory()
        try FileManager.default.copyItem(atPath: folder.path("a.ud2w"), toPath: away.path("a.ud2w"))
        try Data("broken".utf8).write(to: URL(filePath: away.path("b.ud2w")))
        let other = try report(["list", away.path("")], exitCode: 3)
        #expect(other["failed"]?.array?.count == 1)
        #expect(other["bundles"]?.array?.first?.object?["base"]?.object?["found"] == .bool(false))
        let text = try BuiltTool("ud2m").run(["bundle", "list", folder.path("")])
        #expect(text.exitCode == 0 && text.text.contains("3·3") && text.text.contains("0.025"))
        #expect(try failure(["list", folder.path("none")], exitCode: 66)["code"]?.string == "file-missing")
    }

    @Test(
        "extract gives the adapter in every convention, which merges as the bundle does",
        arguments: ["ud2m", "peft", "diffusers", "kohya"])
    func extract(_ convention: String) throws {
        let bundle = try made()
        let output = folder.path(convention == "peft" ? "folder" : "a.safetensors")
        let arguments = ["extract", bundle, "--adapter", output, "--to", convention, "--drop-others"]
        let dry = try report(arguments + ["--dry-run"])
        #expect(!FileManager.default.fileExists(atPath: output))
        let found = try report(arguments)
        #expect(found["files"] == dry["files"])
        #expect(found["leftOut"]?.array?.count == (convention == "diffusers" ? 4 : 0))
        let result = try BuiltTool("ud2m-lora").run(["compat", base, output])
        #expect(result.exitCode == 0, "\(result.errorText)")
        guard convention == "ud2m" else { return }
        let (own, again) = (try tensors(ToolTest.fixture("lora/ud2m.ckpt")), try tensors(output))
        for (name, values) in again { #expect(own[name] == values) }
        #expect(again.count == 20)
    }

    @Test("extract gives RAM, settings and the prior, from which the same bundle comes again")
    func extractParts() throws {
        let thin = try made()
        let fat = folder.path("fat.ud2w")
        let found = try report(["create", thin, "--fat", "-o", fat])
        #expect(found["manifest"]?.object?["name"]?.string == "imagenet-sr-bicubic")
        #expect(found["manifest"]?.object?["base"]?.object?["architecture"] != nil)
        #expect(try report(["verify", fat])["base"]?.object?["state"]?.string == "inside")
        #expect(
            try failure(["extract", thin, "--prior", folder.path("p.ud2w")], exitCode: 64)["code"]?.string
                == "bundle-part-missing")

        let away = try TemporaryDirectory()
        let (adapter, ram, settings, prior) = (
            away.path("a.safetensors"), away.path("r.ud2w"), away.path("s.json"), away.path("p.ud2w")
        )
        _ = try report(
            ["extract", fat, "--adapter", adapter, "--ram", ram, "--settings", settings, "--prior", prior])
        #expect(try WeightStore(path: prior).contentID == WeightStore(path: base).contentID)
        #expect(try WeightStore(path: prior).architecture == WeightStore(path: base).architecture)
        #expect(try WeightStore(path: ram).architecture == .ram(RAMWeights.configuration))
        _ = try ToolTest.checked(Data(contentsOf: URL(filePath: settings)), "bundle-settings")
        let again = away.path("again.ud2w")
        let made = try report([
            "create", adapter, "--base", prior, "--ram", ram, "--settings", settings, "-o", again,
        ])
        #expect(try WeightStore(path: again).contentID == WeightStore(path: thin).contentID)
        #expect(made["manifest"]?.object?["scalars"] == found["manifest"]?.object?["scalars"])
        #expect(try BuiltTool("ud2m").run(["bundle", "extract", fat]).exitCode == 64)
    }
}
