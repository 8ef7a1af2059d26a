import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

@Suite("ud2m forward")
struct ForwardCommandTests {
    private func store(in folder: TemporaryDirectory) throws -> String {
        let path = folder.path("adm_a.ud2w")
        let result = try BuiltTool("ud2m-convert").run(
            [ToolTest.fixture("adm/adm_a.pt"), path, "--head-channels", "16", "-q"])
        try #require(result.exitCode == 0, "\(result.errorText)")
        return path
    }

    @Test("gives the reference's output and activations for the tensors of a golden file")
    func golden() throws {
        let folder = try TemporaryDirectory()
        let input = ToolTest.fixture("adm/adm_a.io.safetensors")
        let output = folder.path("out.safetensors")
        let result = try BuiltTool("ud2m").run(
            ["forward", try store(in: folder), "--input", input, "--output", output, "--json", "--taps"]
                + ["middle_block.1.attention", "act/out.0"])
        #expect(result.exitCode == 0, "\(result.errorText)")
        _ = try ToolTest.checked(result.output, "forward")

        let (expected, found) = (try WeightStore(path: input), try WeightStore(path: output))
        #expect(found.names == ["act/out.0", "middle_block.1.attention", "out"])
        for (name, golden) in [
            ("out", "out"), ("middle_block.1.attention", "act/middle_block.1.attention"), ("act/out.0", "act/out.0"),
        ] {
            let want = try #require(expected.tensor(TensorName(golden))).floats()
            let have = try #require(found.tensor(TensorName(name))).floats()
            // Goldens keep inner activations of the first item only.
            let worst = zip(want, have).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst <= 3e-5)
        }
    }

    @Test("a tap that is named twice is given once")
    func repeatedTap() throws {
        let folder = try TemporaryDirectory()
        let output = folder.path("out.safetensors")
        let result = try BuiltTool("ud2m").run(
            ["forward", try store(in: folder), "--input", ToolTest.fixture("adm/adm_a.io.safetensors")]
                + ["--output", output, "--taps", "middle_block.1", "middle_block.1"])
        #expect(result.exitCode == 0, "\(result.errorText)")
        #expect(try WeightStore(path: output).names == ["middle_block.1", "out"])
    }

    @Test("adapters beside the weights and in them give the reference's output", arguments: ["side", "merged"])
    func adapters(_ mode: String) throws {
        let folder = try TemporaryDirectory()
        let golden = try Golden("lora/ud2m.io.safetensors")
        let adapter = ToolTest.fixture("lora/ud2m.ckpt")
        let base = [
            "forward", try store(in: folder), "--input", ToolTest.fixture("lora/ud2m.io.safetensors"),
            "--adapter-mode", mode, "--json",
        ]
        /// The output with some adapters, and their entries in the report.
        func run(_ adapters: [String]) throws -> (out: [Float], adapters: [JSONDocument]) {
            let output = folder.path("out\(adapters.count).safetensors")
            let result = try BuiltTool("ud2m").run(
                base + ["--force", "--output", output] + adapters.flatMap { ["--adapter", $0] })
            #expect(result.exitCode == 0, "\(result.errorText)")
            let report = try ToolTest.checked(result.output, "forward").object
            #expect(report?["adapterMode"]?.string == (adapters.isEmpty ? nil : mode))
            return (
                try #require(WeightStore(path: output).tensor("out")).floats(), report?["adapters"]?.array ?? []
            )
        }
        func distance(_ left: [Float], _ right: [Float]) -> Float { zip(left, right).map { abs($0 - $1) }.max() ?? 0 }
        let whole = try run([adapter])
        #expect(distance(whole.out, try golden["out"].values) <= 3e-5)
        #expect(whole.adapters.first?.object?["tensors"]?.number == 12)
        // Halves add up to the whole, and a weight of zero is the network alone.
        let halves = try run(["\(adapter):0.5", "\(adapter):0.5"])
        #expect(halves.adapters.map { $0.object?["weight"]?.number } == [0.5, 0.5])
        #expect(distance(halves.out, whole.out) <= 3e-5)
        #expect(try run(["\(adapter):0"]).out == run([]).out)
    }

    @Test("a bundle runs with its own base only")
    func bundles() throws {
        let folder = try TemporaryDirectory()
        let (base, bundle) = (try store(in: folder), folder.path("deblur.ud2w"))
        let created = try BuiltTool("ud2m").run(
            ["bundle", "create", ToolTest.fixture("lora/ud2m.ckpt"), "--base", base, "--task", "deblur", "-o", bundle])
        try #require(created.exitCode == 0, "\(created.errorText)")
        let output = folder.path("out.safetensors")
        let arguments = [
            "--input", ToolTest.fixture("lora/ud2m.io.safetensors"), "--output", output, "--adapter", bundle,
        ]
        let result = try BuiltTool("ud2m").run(["forward", base] + arguments)
        #expect(result.exitCode == 0, "\(result.errorText)")
        let out = try #require(WeightStore(path: output).tensor("out")).floats()
        let worst = zip(out, try Golden("lora/ud2m.io.safetensors")["out"].values).map { abs($0 - $1) }.max()
        #expect(try #require(worst) <= 3e-5)
        let half = folder.path("half.ud2w")
        _ = try BuiltTool("ud2m-convert").run(["cast", base, half, "--dtype", "f16", "-q"])
        let error = try ToolTest.failure("ud2m", ["forward", half, "--force"] + arguments, exitCode: 65)
        #expect(error.object?["code"]?.string == "bundle-base-other")
    }

    @Test("an adapter of another network is refused")
    func foreignAdapters() throws {
        let folder = try TemporaryDirectory()
        let network = [
            "forward", try store(in: folder), "--input", ToolTest.fixture("lora/ud2m.io.safetensors"), "--output",
            folder.path("out.safetensors"), "--adapter",
        ]
        let other = try ToolTest.failure("ud2m", network + [ToolTest.fixture("lora/kohya.safetensors")], exitCode: 65)
        #expect(other.object?["code"]?.string == "adapter-base-mismatch")
        let stored = try ToolTest.failure("ud2m", network + [ToolTest.fixture("lora/ddpm.safetensors")], exitCode: 65)
        #expect(stored.object?["code"]?.string == "change-unknown")
        _ = try ToolTest.failure("ud2m", network + ["\(ToolTest.fixture("lora/ud2m.ckpt")):nan"], exitCode: 64)
    }

    @Test("the help tells the inputs of every network")
    func help() throws {
        let text = try BuiltTool("ud2m").run(["forward", "--help"]).text
        for network in ["ADM", "DDPM", "VGG-16", "SqueezeNet", "LPIPS", "Inception", "discriminator", "RAM"] {
            #expect(text.contains(network), "\(network)")
        }
    }

    @Test("inputs that are no numbers, and timesteps that no network knows, are refused with their place")
    func values() throws {
        let folder = try TemporaryDirectory()
        let store = try store(in: folder)
        let input = folder.path("in.safetensors")
        for (name, x, t, tensor) in [
            ("nan", Float.nan, Float(5), "x"), ("infinite", -.infinity, 5, "x"), ("late", 0, 1000, "t"),
            ("early", 0, -1, "t"),
        ] {
            var values = [Float](repeating: 0.5, count: 3 * 16 * 16)
            values[2 * 256 + 3 * 16 + 7] = x
            try SafetensorsFile.write(
                to: input,
                tensors: [
                    TensorInput(name: "x", shape: [1, 3, 16, 16], floats: values),
                    TensorInput(name: "t", shape: [1], floats: [t]),
                ], overwrite: true)
            let error = try ToolTest.failure(
                "ud2m", ["forward", store, "--input", input, "--output", folder.path("out.safetensors")], exitCode: 64)
            #expect(error.object?["code"]?.string == "input-range", "\(name)")
            #expect(error.object?["location"]?.object?["tensor"]?.string == tensor, "\(name)")
            let place = tensor == "x" ? "[0, 2, 3, 7]" : "[0]"
            #expect(error.object?["message"]?.string?.contains(place) == true, "\(name)")
        }
    }

    @Test("half-precision files and averaged weights convert, and give the reference's output")
    func halfAndAveraged() throws {
        let folder = try TemporaryDirectory()
        func difference(_ store: String, _ fixture: String, _ golden: String) throws -> Float {
            let input = ToolTest.fixture("adm/\(fixture).io.safetensors")
            let output = store + ".safetensors"
            let result = try BuiltTool("ud2m").run(["forward", store, "--input", input, "--output", output])
            try #require(result.exitCode == 0, "\(result.errorText)")
            let want = try #require(try WeightStore(path: input).tensor(TensorName(golden))).floats()
            let have = try #require(try WeightStore(path: output).tensor("out")).floats()
            return want.count == have.count ? zip(want, have).map { abs($0 - $1) }.max() ?? .infinity : .infinity
        }
        let half = folder.path("half.ud2w")
        let converted = try BuiltTool("ud2m-convert").run(
            [ToolTest.fixture("adm/adm_c_fp16.pt"), half, "--heads", "4", "-q"])
        try #require(converted.exitCode == 0, "\(converted.errorText)")
        #expect(try WeightStore(path: half).tensor("input_blocks.0.0.weight")?.elementType == .f16)
        #expect(try difference(half, "adm_c", "out_fp16ckpt_fp32math") <= 3e-5)

        // A training file: the averaged weights are taken, and the others, all zero here, when asked for.
        let tensors = try Checkpoint.open(path: ToolTest.fixture("adm/adm_a.pt")).stateDicts.flatMap(\.tensors)
        let training = folder.path("training.safetensors")
        try SafetensorsFile.write(
            to: training,
            tensors: tensors.flatMap { tensor in
                let zeros = [Float](repeating: 0, count: tensor.elementCount)
                return [
                    TensorInput(name: TensorName("model.\(tensor.name)"), shape: tensor.shape, floats: zeros),
                    TensorInput(tensor, name: TensorName("ema_model.\(tensor.name)")),
                ]
            })
        let (ema, plain) = (folder.path("ema.ud2w"), folder.path("plain.ud2w"))
        for (path, select) in [(ema, []), (plain, ["--select", "(root):model."])] {
            let result = try BuiltTool("ud2m-convert").run(
                [training, path, "--head-channels", "16", "-q"] + select)
            try #require(result.exitCode == 0, "\(result.errorText)")
        }
        #expect(try difference(ema, "adm_a", "out") <= 3e-5)
        #expect(try difference(plain, "adm_a", "out") > 1e-2)
    }

    @Test("missing inputs, unknown taps and existing outputs are errors that write nothing")
    func errors() throws {
        let folder = try TemporaryDirectory()
        let store = try store(in: folder)
        let input = ToolTest.fixture("adm/adm_a.io.safetensors")
        let output = folder.path("out.safetensors")
        let base = ["forward", store, "--input", input, "--output", output]
        let tap = try ToolTest.failure("ud2m", base + ["--taps", "no.such.block"], exitCode: 64)
        #expect(tap.object?["code"]?.string == "tap-unknown")
        #expect(tap.object?["location"]?.object?["file"]?.string == store)
        let lacking = try ToolTest.failure(
            "ud2m",
            ["forward", store, "--input", ToolTest.fixture("portable_generator.safetensors")]
                + ["--output", output], exitCode: 64)
        #expect(lacking.object?["code"]?.string == "input-missing")
        // What the file has instead.
        #expect(lacking.object?["remedy"]?.string?.contains("u_abc_16 [16]") == true)
        #expect(!FileManager.default.fileExists(atPath: output))
        try Data().write(to: URL(filePath: output))
        #expect(try ToolTest.failure("ud2m", base, exitCode: 73).object?["code"]?.string == "output-exists")
    }
}
