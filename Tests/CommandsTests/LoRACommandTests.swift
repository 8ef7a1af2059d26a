import Foundation
import Testing
import UD2MFormats
import UD2MImaging
import UD2MTestSupport

@Suite("ud2m-lora")
struct LoRACommandTests {
    let folder: TemporaryDirectory
    /// The network of `adm/adm_a.pt` as a store.
    let base: String

    static let adapter = ToolTest.fixture("lora/ud2m.ckpt")
    static let network = ToolTest.fixture("lora/base.safetensors")

    init() throws {
        folder = try TemporaryDirectory()
        base = folder.path("base.ud2w")
        let arguments = [ToolTest.fixture("adm/adm_a.pt"), base, "--head-channels", "16", "-q"]
        try #require(try BuiltTool("ud2m-convert").run(arguments).exitCode == 0)
    }

    /// Runs a subcommand under `--json` and checks its report against the subcommand's schema.
    private func report(
        _ arguments: [String], exitCode: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [String: JSONDocument] {
        let result = try BuiltTool("ud2m-lora").run(arguments + ["--json"])
        #expect(result.exitCode == exitCode, "\(result.errorText)", sourceLocation: sourceLocation)
        let name = arguments[0] == "unmerge" ? "merge" : arguments[0]
        return try #require(try ToolTest.checked(result.output, "lora-\(name)").object, sourceLocation: sourceLocation)
    }

    private func failure(
        _ arguments: [String], exitCode: Int32, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String? {
        try ToolTest.failure("ud2m-lora", arguments, exitCode: exitCode, sourceLocation: sourceLocation).object?[
            "code"]?
            .string
    }

    private func tensors(_ path: String) throws -> [String: [Float]] {
        let tensors = try #require(try Checkpoint.open(path: path).stateDicts.first).tensors
        return Dictionary(
            try tensors.map { ($0.name.text, try $0.floats()) }, uniquingKeysWith: { first, _ in first })
    }

    @Test("info tells convention, rank, scale, counts and what is fitted")
    func info() throws {
        let found = try report(["info", Self.adapter])
        let adapter = try #require(found["adapter"]?.object)
        #expect(adapter["convention"]?.string == "ud2m")
        #expect(adapter["ranks"]?.array == [.number(5)])
        #expect(adapter["parameters"]?.object?["factors"]?.number == 3840)
        #expect(found["fits"]?.array?.isEmpty == true)
        for name in ["kohya.safetensors", "lokr.safetensors", "peft", "peft_dora", "diffusers.safetensors"] {
            _ = try report(["info", ToolTest.fixture("lora/\(name)")])
        }
        let text = try BuiltTool("ud2m-lora").run(["info", Self.adapter, "--targets"])
        #expect(text.exitCode == 0 && text.text.contains("middle_block.1.qkv.weight"))
        #expect(try failure(["info", Self.network], exitCode: 65) == "adapter-missing")
    }

    @Test("an adapter with the shapes of ADM-256 fits the published models that have them")
    func fits() throws {
        let data = try Data(contentsOf: URL(filePath: ToolTest.fixture("keys/adm_256x256_diffusion_uncond.json")))
        let table = try #require(try JSONDocument(data).object)
        var inputs: [TensorInput] = []
        for (name, entry) in table where name.hasSuffix(".qkv.weight") || name.hasSuffix(".proj_out.weight") {
            let shape = try #require(entry.array?.first?.array).compactMap { $0.number.map { Int($0) } }
            let prefix = name.dropLast("weight".count) + "parametrizations.weight.0.lora_"
            for (side, sizes) in [("A", [shape[0], 5]), ("B", [5, shape[1]])] {
                inputs.append(
                    TensorInput(
                        name: TensorName(prefix + side), shape: sizes,
                        floats: [Float](repeating: 0.5, count: sizes[0] * sizes[1])))
            }
        }
        let path = folder.path("adapter.safetensors")
        try SafetensorsFile.write(to: path, tensors: inputs)
        let found = try report(["info", path])
        #expect(found["adapter"]?.object?["parameters"]?.object?["factors"]?.number == 414_720)
        let names = try #require(found["fits"]?.array).compactMap { $0.object?["name"]?.string }
        #expect(names.contains("256x256_diffusion_uncond"))
        #expect(!names.contains("diffusion_ffhq_10m"))
    }

    @Test("merge writes UD2M's own bits, a store that runs, and a record of what was merged")
    func merge() throws {
        let output = folder.path("merged.ud2w")
        let found = try report(["merge", base, Self.adapter, "-o", output])
        #expect(found["changed"]?.array?.count == 12)
        #expect(found["losses"]?.array?.isEmpty == true)
        let merged = try tensors(output)
        for (name, entry) in try Golden("lora/ud2m_merged.safetensors").tensors {
            #expect(merged[name] == entry.values)
        }
        let store = try WeightStore(path: output)
        #expect(store.contentID == found["output"]?.object?["contentID"]?.string)
        #expect(store.architecture != nil)
        guard case .object(let step)? = store.information.lineage.last else { return #expect(Bool(false)) }
        #expect(step["op"] == "merge")
        // Digests of what did not change are taken over from the base, and are those of the bytes.
        let sources = try #require(try Checkpoint.open(path: base).stateDicts.first).tensors
        #expect(sources.allSatisfy { $0.recordedDigests != nil })
        #expect(try BuiltTool("ud2m-convert").run(["verify", "--deep", output]).exitCode == 0)
        #expect(step["base"] == (try WeightStore(path: base).contentID).map { .string($0) })

        let result = folder.path("out.safetensors")
        let forward = try BuiltTool("ud2m").run(
            ["forward", output, "--input", ToolTest.fixture("lora/ud2m.io.safetensors"), "--output", result])
        #expect(forward.exitCode == 0, "\(forward.errorText)")
        let golden = try Golden("lora/ud2m.io.safetensors")
        let out = try #require(try tensors(result)["out"])
        for (a, b) in zip(out, try golden["out"].values) { #expect(abs(a - b) <= 3e-5) }
    }

    @Test("a checkpoint merges into plain safetensors with the same tensors, and a dry run tells the size")
    func mergeFormats() throws {
        let checkpoint = ToolTest.fixture("adm/adm_a.pt")
        let (store, plain) = (folder.path("a.ud2w"), folder.path("a.safetensors"))
        _ = try report(["merge", base, Self.adapter, "-o", store])
        let dry = try report(["merge", checkpoint, Self.adapter, "-o", plain, "--dry-run"])
        #expect(!FileManager.default.fileExists(atPath: plain))
        let real = try report(["merge", checkpoint, Self.adapter, "-o", plain])
        #expect(dry["output"]?.object?["bytes"] == real["output"]?.object?["bytes"])
        #expect(try Data(contentsOf: URL(filePath: plain)).count == Int(real["output"]?.object?["bytes"]?.number ?? 0))
        #expect(try tensors(store) == tensors(plain))
        #expect(try SafetensorsFile(path: plain).metadata[StoreMetadata.Key.lineage]?.contains("\"merge\"") == true)
        let again = folder.path("b.ud2w")
        _ = try report(["merge", base, Self.adapter, "-o", again])
        #expect(try Data(contentsOf: URL(filePath: store)) == Data(contentsOf: URL(filePath: again)))
    }

    @Test("strengths, several adapters and another type")
    func weights() throws {
        let adapters = [ToolTest.fixture("lora/kohya.safetensors"), ToolTest.fixture("lora/peft_rslora")]
        let output = folder.path("w.safetensors")
        let found = try report(
            ["merge", Self.network] + adapters
                + ["-o", output, "--scale", "2", "--weight", "0.5", "--weight", "-1", "--arithmetic", "f64"])
        #expect(found["adapters"]?.array?.compactMap { $0.object?["strength"]?.number } == [1, -2])
        let half = folder.path("h.safetensors")
        _ = try report(["merge", Self.network] + adapters + ["-o", half, "--dtype", "f16"])
        #expect(try SafetensorsFile(path: half).entries.allSatisfy { $0.elementType == .f16 })
        let few = ["merge", Self.network] + adapters + ["-o", folder.path("x.ud2w"), "--weight", "1"]
        #expect(try BuiltTool("ud2m-lora").run(few).exitCode == 64)
        #expect(try BuiltTool("ud2m-lora").run(["merge", Self.network, adapters[0], "-o", "x.txt"]).exitCode == 64)
    }

    @Test("unmerge takes back what it can, and says what it cannot")
    func unmerge() throws {
        let (merged, back) = (folder.path("merged.ud2w"), folder.path("back.ud2w"))
        _ = try report(["merge", base, Self.adapter, "-o", merged])
        let arguments = ["unmerge", merged, Self.adapter, "-o", back]
        #expect(try failure(arguments, exitCode: 64) == "adapter-irreversible")
        #expect(!FileManager.default.fileExists(atPath: back))
        let found = try report(arguments + ["--keep-irreversible"])
        #expect(found["irreversible"]?.array?.count == 4)
        #expect(found["reversal"]?.object?["recorded"] == .bool(true))
        #expect(found["reversal"]?.object?["exact"] == .bool(false))
        #expect(found["reversal"]?.object?["originalContentID"]?.string == (try WeightStore(path: base).contentID))
        let (before, after) = (try tensors(base), try tensors(back))
        for (name, values) in before where !name.hasPrefix("out.") {
            for (a, b) in zip(values, try #require(after[name])) { #expect(abs(a - b) <= 1e-6) }
        }
        let other = try report(["unmerge", base, Self.adapter, "-o", folder.path("n.ud2w"), "--keep-irreversible"])
        #expect(other["reversal"]?.object?["recorded"] == .bool(false))
    }

    @Test("compat answers with its exit code")
    func compat() throws {
        #expect(try report(["compat", base, Self.adapter])["compatible"] == .bool(true))
        let other = try report(["compat", Self.network, Self.adapter], exitCode: 1)
        #expect(other["unmatched"]?.array?.count == 12)
        let damaged = folder.path("nan.safetensors")
        try SafetensorsFile.write(
            to: damaged,
            tensors: [
                TensorInput(
                    name: "lora_unet_block_0_linear.lora_up.weight", shape: [6, 1], floats: [0, 0, .nan, 0, 0, 0]),
                TensorInput(name: "lora_unet_block_0_linear.lora_down.weight", shape: [1, 4], floats: [1, 1, 1, 1]),
                TensorInput(name: "lora_unet_block_0_linear.alpha", shape: [], floats: [1]),
            ])
        #expect(try report(["compat", Self.network, damaged], exitCode: 1)["notFinite"] != nil)
        let output = folder.path("x.ud2w")
        #expect(try failure(["merge", Self.network, damaged, "-o", output], exitCode: 65) == "adapter-not-finite")
        #expect(
            try failure(["merge", Self.network, Self.adapter, "-o", output], exitCode: 65) == "adapter-base-mismatch")
        #expect(!FileManager.default.fileExists(atPath: output))
    }

    @Test(
        "convert writes every convention, which compat and merge then read",
        arguments: ["ud2m", "peft", "diffusers", "kohya"])
    func convert(_ convention: String) throws {
        let output = folder.path(convention == "peft" ? "folder" : "adapter.safetensors")
        let arguments = ["convert", Self.adapter, "--to", convention, "-o", output, "--base", base, "--drop-others"]
        let dry = try report(arguments + ["--dry-run"])
        #expect(!FileManager.default.fileExists(atPath: output))
        let found = try report(arguments)
        #expect(found["files"] == dry["files"])
        #expect(try report(["compat", base, output])["compatible"] == .bool(true))
        #expect(try report(["info", output])["adapter"]?.object?["convention"]?.string == convention)
        // kohya holds the final layer as differences from the base.
        #expect(found["leftOut"]?.array?.count == (convention == "diffusers" ? 4 : 0))
        #expect(try failure(arguments, exitCode: 73) == "output-exists")
        _ = try report(arguments + ["--force"])
        guard convention == "kohya" || convention == "diffusers" else { return }
        let strict = ["convert", Self.adapter, "--to", convention, "-o", folder.path("s.safetensors")]
        #expect(try failure(strict, exitCode: 64) == "adapter-not-expressible")
    }

    @Test("extract, resize, combine and svd state their errors and write adapters that merge")
    func computed() throws {
        func computed(_ arguments: [String]) throws -> [String: JSONDocument] {
            let result = try BuiltTool("ud2m-lora").run(arguments + ["--json"])
            #expect(result.exitCode == 0, "\(result.errorText)")
            return try #require(try ToolTest.checked(result.output, "lora-computed").object)
        }
        let (merged, extracted) = (folder.path("merged.ud2w"), folder.path("extracted"))
        _ = try report(["merge", base, Self.adapter, "-o", merged])
        let first = try computed(["extract", base, merged, "--rank", "5", "-o", extracted])
        #expect(first["convention"]?.string == "peft")
        #expect(first["layers"]?.array?.count == 12)
        #expect(try report(["compat", base, extracted])["compatible"] == .bool(true))
        #expect(
            try failure(["extract", base, base, "--rank", "5", "-o", folder.path("none")], exitCode: 65)
                == "adapter-missing")
        #expect(try BuiltTool("ud2m-lora").run(["extract", base, merged, "-o", folder.path("x")]).exitCode == 64)

        let small = folder.path("small.safetensors")
        let second = try computed(["resize", Self.adapter, "--rank", "2", "-o", small])
        #expect(try #require(second["relativeError"]?.number) > 0)
        #expect(try report(["info", small])["adapter"]?.object?["ranks"]?.array == [.number(2)])

        let kohya = ToolTest.fixture("lora/kohya.safetensors")
        let both = folder.path("both.safetensors")
        let third = try computed(
            ["combine", kohya, ToolTest.fixture("lora/peft_rslora"), "-o", both, "--weight", "1", "--weight", "-0.5"])
        #expect(third["relativeError"]?.number == 0)
        for method in ["ties", "dare", "dare-ties", "prune"] {
            _ = try computed(["combine", kohya, kohya, "--method", method, "--rank", "2", "--dry-run"])
        }
        let spectra = try BuiltTool("ud2m-lora").run(["svd", Self.adapter, "--json"])
        let report = try #require(try ToolTest.checked(spectra.output, "lora-svd").object)
        #expect(report["layers"]?.array?.count == 8)
        #expect(report["without"]?.array?.count == 4)
        #expect(report["plot"] == nil)
        #expect(try BuiltTool("ud2m-lora").run(["svd", Self.adapter]).exitCode == 0)
    }

    @Test("svd draws the values and the energy")
    func plot() throws {
        let picture = folder.path("spectrum.png")
        let arguments = ["svd", Self.adapter, "--plot", picture]
        let result = try BuiltTool("ud2m-lora").run(arguments + ["--json"])
        #expect(result.exitCode == 0, "\(result.errorText)")
        #expect(try ToolTest.checked(result.output, "lora-svd").object?["plot"]?.string == picture)
        let decoded = try ImageFile.read(picture)
        #expect(decoded.image.channels == 3)
        // Frames, grids and eight lines on white.
        let plane = decoded.image.width * decoded.image.height
        let colours = Set((0..<plane).map { at in (0..<3).map { decoded.image.values[$0 * plane + at] } })
        #expect(colours.count == 11)
        #expect(try failure(arguments, exitCode: 73) == "output-exists")
        #expect(try BuiltTool("ud2m-lora").run(arguments + ["--force"]).exitCode == 0)
        #expect(try BuiltTool("ud2m-lora").run(["svd", Self.adapter, "--plot", folder.path("a.jpg")]).exitCode == 64)
        #expect(try failure(["svd", Self.adapter, "--plot", folder.path("a.txt")], exitCode: 64) == "output-suffix")
    }

    @Test("convert turns LoHa into plain factors when told their ranks, and states the error")
    func approximated() throws {
        let output = folder.path("plain.safetensors")
        let arguments = [
            "convert", ToolTest.fixture("lora/loha.safetensors"), "--to", "kohya", "--base", Self.network, "-o", output,
        ]
        #expect(try failure(arguments, exitCode: 64) == "adapter-not-expressible")
        #expect(!FileManager.default.fileExists(atPath: output))
        let found = try report(arguments + ["--rank", "1"])
        let layer = try #require(found["approximated"]?.array?.first?.object)
        #expect(try #require(layer["relativeError"]?.number) > 0)
        #expect(try failure(arguments + ["--rank", "0", "--force"], exitCode: 64) == "rank-choice")
        #expect(try BuiltTool("ud2m-lora").run(arguments + ["--size", "1MB"]).exitCode == 64)
    }

    @Test(
        "damaged adapters are refused without any output",
        arguments: [
            ("adapter-shape", "lora_unet_block_0_linear", [6, 2], [1, 4]),
            ("adapter-rank", "lora_unet_block_0_linear", [6, 0], [0, 4]),
            ("adapter-base-mismatch", "lora_unet_block_0_linear", [5, 1], [1, 4]),
            ("adapter-base-mismatch", "lora_unet_nowhere", [6, 1], [1, 4]),
            ("adapter-alpha-missing", "base_model.model.block.0.linear", [6, 1], [1, 4]),
            ("adapter-alpha-missing", "lora_unet_block_0_linear", [6, 1], [1, 4]),
        ])
    func damaged(_ code: String, _ module: String, _ up: [Int], _ down: [Int]) throws {
        let path = folder.path("damaged.safetensors")
        let names = module.hasPrefix("base_model") ? ("lora_B", "lora_A") : ("lora_up", "lora_down")
        try SafetensorsFile.write(
            to: path,
            tensors: [(names.0, up), (names.1, down)].map { name, shape in
                TensorInput(
                    name: TensorName("\(module).\(name).weight"), shape: shape,
                    floats: [Float](repeating: 0.5, count: shape.reduce(1, *)))
            })
        let output = folder.path("x.ud2w")
        let alpha = code == "adapter-base-mismatch" ? ["--alpha", "1"] : []
        #expect(try failure(["merge", Self.network, path, "-o", output] + alpha, exitCode: 65) == code)
        #expect(!FileManager.default.fileExists(atPath: output))
    }

    @Test("a merge that overflows is refused, when it is only tried too, and leaves no output")
    func overflow() throws {
        let output = folder.path("x.ud2w")
        let arguments = ["merge", base, Self.adapter, "--scale", "1e40"]
        #expect(try failure(arguments + ["-o", output], exitCode: 65) == "adapter-not-finite")
        #expect(try failure(arguments + ["--dry-run"], exitCode: 65) == "adapter-not-finite")
        #expect(!FileManager.default.fileExists(atPath: output))
        // Half precision is rounded to infinity, which is counted.
        let half = try report(["merge", base, Self.adapter, "--scale", "1e7", "--dtype", "f16", "--dry-run"])
        #expect(half["losses"]?.array?.isEmpty == false)
    }

    @Test("an adapter that is in the network already is merged again only when asked for")
    func again() throws {
        let (once, twice) = (folder.path("once.ud2w"), folder.path("twice.ud2w"))
        _ = try report(["merge", base, Self.adapter, "-o", once])
        let arguments = ["merge", once, Self.adapter, "-o", twice]
        #expect(try failure(arguments, exitCode: 64) == "adapter-merged-already")
        #expect(!FileManager.default.fileExists(atPath: twice))
        #expect(try report(arguments + ["--any-base"])["notes"]?.array?.count == 1)
        let back = folder.path("back.ud2w")
        _ = try report(["unmerge", once, Self.adapter, "-o", back, "--keep-irreversible"])
        #expect(try report(["merge", back, Self.adapter, "-o", twice, "--force"])["notes"]?.array?.isEmpty == true)
    }

    @Test("unmerge says how many tensors stay changed")
    func stillChanged() throws {
        let merged = folder.path("merged.ud2w")
        _ = try report(["merge", base, Self.adapter, "-o", merged])
        let result = try BuiltTool("ud2m-lora").run(
            ["unmerge", merged, Self.adapter, "-o", folder.path("back.ud2w"), "--keep-irreversible"])
        #expect(result.exitCode == 0)
        #expect(result.text.contains("not the weights from before") && result.text.contains("4 tensors stay changed"))
    }

    @Test("factors that PEFT took out of the network are named in texts and reports, and need a flag elsewhere")
    func changedBase() throws {
        let adapter = folder.path("pissa")
        try FileManager.default.copyItem(atPath: ToolTest.fixture("lora/peft"), toPath: adapter)
        let file = URL(filePath: adapter + "/adapter_config.json")
        var text = try String(contentsOf: file, encoding: .utf8)
        let brace = try #require(text.firstIndex(of: "{"))
        text.insert(contentsOf: "\"init_lora_weights\": \"pissa\", ", at: text.index(after: brace))
        try Data(text.utf8).write(to: file)
        let output = folder.path("m.safetensors")
        let found = try report(["merge", Self.network, adapter, "-o", output])
        let applied = try #require(found["adapters"]?.array?.first?.object?["adapter"]?.object)
        #expect(applied["changedBase"]?.string == "pissa")
        let merge = try BuiltTool("ud2m-lora").run(["merge", Self.network, adapter, "-o", output, "--force"])
        #expect(merge.text.contains("pissa") && merge.errorText.contains("pissa"))
        let conversion = [
            "convert", adapter, "--to", "kohya", "--base", Self.network, "--drop-others", "-o",
            folder.path("k.safetensors"),
        ]
        #expect(try failure(conversion, exitCode: 64) == "adapter-not-expressible")
        _ = try report(conversion + ["--for-changed-base"])
        let again = folder.path("again")
        _ = try report(["convert", adapter, "--to", "peft", "--base", Self.network, "-o", again])
        #expect(try report(["info", again])["adapter"]?.object?["changedBase"]?.string == "pissa")
        #expect(
            try failure(["resize", adapter, "--rank", "1", "-o", folder.path("r")], exitCode: 64)
                == "adapter-not-expressible")
    }

    @Test("a pattern of whole tensors that matches none is an error")
    func whole() throws {
        let merged = folder.path("merged.ud2w")
        _ = try report(["merge", base, Self.adapter, "-o", merged])
        let arguments = ["extract", base, merged, "--rank", "1", "--dry-run", "--whole", "out.*", "--whole"]
        #expect(try failure(arguments + ["nomatch*"], exitCode: 64) == "usage")
        #expect(try BuiltTool("ud2m-lora").run(arguments + ["middle*"]).exitCode == 0)
    }

    @Test("an output is never an input")
    func inputs() throws {
        let copy = folder.path("copy.ckpt")
        try FileManager.default.copyItem(atPath: Self.adapter, toPath: copy)
        #expect(try failure(["merge", base, copy, "-o", base, "--force"], exitCode: 73) == "output-is-input")
        #expect(try failure(["merge", base, copy, "-o", copy, "--force"], exitCode: 73) == "output-is-input")
    }
}
