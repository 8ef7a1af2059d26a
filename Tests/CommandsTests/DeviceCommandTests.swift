import Foundation
import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// Commands that run networks on GPUs, where there is none: no driver is found under this name.
@Suite("devices")
struct DeviceCommandTests {
    private static let withoutDriver = ["UD2M_CUDA_DRIVER": "/nowhere/libcuda.so.1"]

    private func store(in folder: TemporaryDirectory) throws -> String {
        let path = folder.path("network.ud2w")
        let result = try BuiltTool("ud2m-convert").run(
            [ToolTest.fixture("adm/adm_a.pt"), path, "--head-channels", "16", "-q"])
        try #require(result.exitCode == 0, "\(result.errorText)")
        return path
    }

    /// A small DDPM network with weights of zero.
    private func ddpmStore(in folder: TemporaryDirectory) throws -> String {
        let path = folder.path("ddpm.ud2w")
        let architecture = ArchitectureConfiguration.ddpm(
            DDPMConfiguration(modelChannels: 32, levelChannels: [32, 32], residualBlocks: 1, attentionLevels: [1]))
        let tensors = try Network.requiredWeights(architecture).map {
            TensorInput(
                name: TensorName($0.name), shape: $0.shape,
                floats: [Float](repeating: 0, count: $0.shape.reduce(1, *)))
        }
        _ = try WeightStoreWriter(tensors: tensors, information: StoreMetadata(architecture: architecture))
            .write(to: path)
        return path
    }

    @Test("ud2m devices lists the CPU, and says why there is no GPU")
    func devices() throws {
        let tool = try BuiltTool("ud2m")
        let result = try tool.run(["devices", "--json"], environment: Self.withoutDriver)
        #expect(result.exitCode == 0, "\(result.errorText)")
        let report = try #require(ToolTest.checked(result.output, "devices").object)
        let devices = try #require(report["devices"]?.array)
        #expect(devices.compactMap { $0.object?["id"]?.string } == ["cpu"])
        let reason = try #require(report["cudaUnavailable"]?.object)
        #expect(reason["code"]?.string == "cuda-unavailable")
        #expect(reason["message"]?.string?.contains("/nowhere/libcuda.so.1") == true)
        #expect(reason["remedy"] != nil)
        #expect(report["driverVersion"] == nil)
        let text = try tool.run(["devices"], environment: Self.withoutDriver).text
        #expect(text.hasPrefix("cpu") && text.contains("/nowhere/libcuda.so.1"))
    }

    @Test("a library that is no driver is told apart from none")
    func foreignLibrary() throws {
        let folder = try TemporaryDirectory()
        let file = folder.path("libcuda.so")
        try Data("no library".utf8).write(to: URL(filePath: file))
        let result = try BuiltTool("ud2m").run(["devices", "--json"], environment: ["UD2M_CUDA_DRIVER": file])
        let reason = try ToolTest.checked(result.output, "devices").object?["cudaUnavailable"]?.object
        #expect(reason?["message"]?.string?.contains(file) == true)
    }

    @Test(
        "ud2m devices lists libraries; one that is missing only in its report, one that lacks a function in its text too"
    )
    func libraries() throws {
        let tool = try BuiltTool("ud2m")
        // A library without any of the functions: that of the C language.
        let environment = Self.withoutDriver.merging(
            ["UD2M_CUBLASLT": "/nowhere/libcublasLt.so", "UD2M_CUDNN": "libc.so.6"]
        ) { $1 }
        let result = try tool.run(["devices", "--json"], environment: environment)
        let found = try #require(ToolTest.checked(result.output, "devices").object?["accelerators"]?.array)
            .compactMap(\.object)
        #expect(found.compactMap { $0["name"]?.string } == ["cublaslt", "cudnn"])
        #expect(found.allSatisfy { $0["version"] == nil })
        #expect(found[0]["reason"]?.string?.contains("/nowhere/libcublasLt.so") == true)
        #expect(found[0]["isUnusable"] == .bool(false))
        let text = try tool.run(["devices"], environment: environment).text
        #expect(!text.contains("cublaslt"))
        #if os(Linux)
            #expect(found[1]["isUnusable"] == .bool(true))
            #expect(found[1]["reason"]?.string?.contains("cudnnGetVersion") == true)
            #expect(text.contains("cudnn") && text.contains("cudnnGetVersion"))
        #endif
    }

    @Test("--device cuda says why not, exits 69 and writes nothing")
    func unavailable() throws {
        let folder = try TemporaryDirectory()
        let store = try store(in: folder)
        let before = try folder.names()
        let forward = [
            "forward", store, "--input", ToolTest.fixture("adm/adm_a.io.safetensors"), "-o",
            folder.path("out.safetensors"),
        ]
        let runs = [
            forward, ["bench", store, "--size", "32", "--runs", "1"],
            ["prior", store, "-o", folder.path("images/"), "--size", "32", "--samples", "1"],
            ["restore", store, ToolTest.photo, "-o", folder.path("out.png"), "--task", "deblur"],
        ]
        for arguments in runs {
            for device in ["cuda", "cuda:3"] {
                let result = try BuiltTool("ud2m").run(
                    arguments + ["--device", device, "--json"], environment: Self.withoutDriver)
                #expect(result.exitCode == 69, "\(arguments[0]): \(result.errorText)")
                #expect(result.output.isEmpty)
                let error = try ToolTest.checked(result.errors, "error").object?["error"]?.object
                #expect(error?["code"]?.string == "cuda-unavailable")
                #expect(error?["remedy"]?.string?.contains("--device cpu") == true)
            }
            #expect(try folder.names() == before, "\(arguments[0])")
        }
        let test = try BuiltTool("ud2m").run(["cuda-selftest", "--json"], environment: Self.withoutDriver)
        #expect(test.exitCode == 69 && test.output.isEmpty)
    }

    @Test("--device auto falls back to the CPU with one line, and gives what the CPU gives")
    func fallback() throws {
        let folder = try TemporaryDirectory()
        let forward = [
            "forward", try store(in: folder), "--input", ToolTest.fixture("adm/adm_a.io.safetensors"), "--json", "-o",
        ]
        func run(_ name: String, _ options: [String]) throws -> BuiltTool.Result {
            let result = try BuiltTool("ud2m").run(
                forward + [folder.path(name)] + options, environment: Self.withoutDriver)
            #expect(result.exitCode == 0, "\(result.errorText)")
            #expect(try ToolTest.checked(result.output, "forward").object?["device"]?.string == "cpu")
            return result
        }
        #expect(try run("cpu", []).errors.isEmpty)
        let noted = try run("auto", ["--device", "auto", "--precision", "bf16"]).errorText
        #expect(noted.split(separator: "\n").count == 1 && noted.contains("CPU"), "\(noted)")
        #expect(try run("quiet", ["--device", "auto", "--quiet"]).errors.isEmpty)
        let bytes = try ["cpu", "auto", "quiet"].map { try Data(contentsOf: URL(filePath: folder.path($0))) }
        #expect(bytes[1] == bytes[0] && bytes[2] == bytes[0])
    }

    @Test(
        "devices and precisions that make no sense are usage errors",
        arguments: [
            ["--device", "gpu"], ["--device", "cuda:"], ["--device", "cuda:-1"], ["--device", "cuda:+1"],
            ["--device", "cuda:1024"], ["--precision", "fp16"], ["--device", "cuda", "--precision", "fp16-weights"],
            ["--device", "cuda", "--algorithms", "table.json"], ["--device", "auto", "--algorithms", "table.json"],
            ["--device", "cuda", "--tune", "table.json"], ["--plan-only"], ["--device", "auto", "--plan-only"],
            ["--device", "cuda", "--plan-only", "--adapter", "a.ckpt"], ["--accelerators", "auto"],
            ["--device", "cuda", "--accelerators", "cublas"], ["--device", "cuda", "--accelerators", "cudnn,"],
            ["--device", "cuda", "--plan-only", "--accelerators", "auto"],
        ])
    func usage(_ options: [String]) throws {
        _ = try ToolTest.failure("ud2m", ["bench", "store.ud2w"] + options, exitCode: 64)
    }

    @Test("the self-test is of GPUs")
    func selfTestUsage() throws {
        for device in ["cpu", "auto"] {
            _ = try ToolTest.failure("ud2m", ["cuda-selftest", "--device", device], exitCode: 64)
        }
    }

    @Test("a plan needs no device, and counts the arithmetic that the CPU counts", arguments: ["adm", "ddpm"])
    func plan(_ family: String) throws {
        let folder = try TemporaryDirectory()
        let store = try family == "adm" ? store(in: folder) : ddpmStore(in: folder)
        let bench = ["bench", store, "--size", "32", "--batch", "2", "--json"]
        let measured = try BuiltTool("ud2m").run(bench + ["--runs", "1"])
        try #require(measured.exitCode == 0, "\(measured.errorText)")
        let flops = try #require(ToolTest.checked(measured.output, "bench").object?["gflopPerForward"]?.number)
        var weights: [Double] = []
        for precision in ["fp16", "bf16", "fp32"] {
            let result = try BuiltTool("ud2m").run(
                bench + ["--device", "cuda", "--plan-only", "--per-op", "--precision", precision],
                environment: Self.withoutDriver)
            try #require(result.exitCode == 0, "\(result.errorText)")
            let plan = try #require(ToolTest.checked(result.output, "bench-plan").object)
            #expect(plan["precision"]?.string == precision)
            #expect(abs((plan["gflopPerForward"]?.number ?? 0) - flops) <= 1e-9 * flops)
            let kernels = try #require(plan["kernels"]?.array).compactMap(\.object)
            func sum(_ name: String) -> Double { kernels.reduce(0) { $0 + ($1[name]?.number ?? 0) } }
            #expect(plan["launches"]?.number == sum("launches"))
            #expect(abs(sum("gflop") - flops) <= 1e-9 * flops)
            let (fused, unfused) = (plan["fused"]?.object, plan["unfused"]?.object)
            for name in ["bytesRead", "bytesWritten"] { #expect(fused?[name]?.number == sum(name)) }
            for name in ["bytesRead", "bytesWritten"] {
                #expect((fused?[name]?.number ?? .infinity) < (unfused?[name]?.number ?? 0))
            }
            weights.append(try #require(plan["weightBytes"]?.number))
            // No launch is faster than its bytes.
            for estimate in try #require(plan["estimates"]?.array).compactMap(\.object) {
                let bytes = sum("bytesRead") + sum("bytesWritten")
                let least = bytes / (try #require(estimate["gigabytesPerSecond"]?.number) * 1e9)
                #expect(try #require(estimate["estimatedSeconds"]?.number) >= 0.999_999 * least)
            }
        }
        #expect(weights[0] == weights[1] && weights[2] > 1.5 * weights[0])
        let text = try BuiltTool("ud2m").run(["bench", store, "--size", "32", "--device", "cuda", "--plan-only"]).text
        #expect(text.contains("estimate") && !text.contains(" s a forward"))
    }

    @Test("a size that the network does not take has no plan")
    func planErrors() throws {
        let folder = try TemporaryDirectory()
        let error = try ToolTest.failure(
            "ud2m", ["bench", try store(in: folder), "--size", "33", "--device", "cuda", "--plan-only"], exitCode: 64)
        #expect(error.object?["code"]?.string == "input-shape")
    }

    @Test("a plan of RAM counts the arithmetic of its layers, for one image")
    func planOfRAM() throws {
        let folder = try TemporaryDirectory()
        let store = folder.path("ram.ud2w")
        try RAMWeights.writeStore(to: store)
        let bench = ["bench", store, "--size", "30x20", "--json"]
        let measured = try BuiltTool("ud2m").run(bench + ["--runs", "1"])
        try #require(measured.exitCode == 0, "\(measured.errorText)")
        let report = try #require(ToolTest.checked(measured.output, "bench").object)
        #expect((report["networkBytes"]?.number ?? 0) > 0 && (report["shareOfPeak"]?.number ?? 0) > 0)
        let flops = try #require(report["gflopPerForward"]?.number)
        let plan = try BuiltTool("ud2m").run(
            bench + ["--device", "cuda", "--plan-only"], environment: Self.withoutDriver)
        try #require(plan.exitCode == 0, "\(plan.errorText)")
        let planned = try #require(ToolTest.checked(plan.output, "bench-plan").object?["gflopPerForward"]?.number)
        #expect(abs(planned - flops) <= 1e-9 * flops)
        let error = try ToolTest.failure(
            "ud2m", bench + ["--device", "cuda", "--plan-only", "--batch", "2"], exitCode: 64)
        #expect(error.object?["code"]?.string == "plan-unsupported")
    }

    @Test("auto stays on the CPU for its precisions, and says which options have no effect there")
    func automatic() throws {
        let folder = try TemporaryDirectory()
        let bench = ["bench", try store(in: folder), "--size", "16", "--runs", "1", "--device", "auto"]
        let half = try BuiltTool("ud2m").run(
            bench + ["--precision", "fp16-weights"], environment: Self.withoutDriver)
        #expect(half.exitCode == 0 && half.errorText.contains("--precision fp16-weights"))
        let options = ["--precision", "bf16", "--accelerators", "cudnn"]
        let both = try BuiltTool("ud2m").run(bench + options, environment: Self.withoutDriver)
        #expect(both.exitCode == 0 && both.errorText.contains("--precision bf16, --accelerators"))
    }
}
