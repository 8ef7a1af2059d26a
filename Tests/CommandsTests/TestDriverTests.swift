import Foundation
import Testing
import UD2MFormats
import UD2MImaging
import UD2MTestSupport

/// The file of the driver that the tools load.
private enum DriverFile {
    static let path: String? =
        ProcessInfo.processInfo.environment["UD2M_CUDA_DRIVER"]
        ?? ["so", "dylib"].compactMap { BuiltTool.file("libUD2MCUDATestDriver.\($0)")?.path }.first
}

/// Commands on the driver that interprets kernels on the CPU, or on the one that `UD2M_CUDA_DRIVER` names.
@Suite("GPU commands on a driver", .enabled(if: DriverFile.path != nil))
struct TestDriverTests {
    /// Runs a command of `ud2m` with the driver.
    private func run(_ arguments: [String], _ environment: [String: String] = [:]) throws -> BuiltTool.Result {
        let driver = try #require(DriverFile.path)
        return try BuiltTool("ud2m").run(
            arguments, environment: environment.merging(["UD2M_CUDA_DRIVER": driver]) { given, _ in given })
    }

    @Test("the driver finds what is planted: races, missing waits, accesses out of bounds, swapped fragments")
    func plantedMistakes() throws {
        let programs = RepositoryPaths.root.appending(path: "Tests/CUDADriver/programs").path(percentEncoded: false)
        let result = try BuiltTool("check-cuda-test-driver").run(
            [programs],
            // As the driver is without the settings that other tests leave in the environment.
            environment: [
                "UD2M_TESTDRIVER_DEVICES": "1", "UD2M_TESTDRIVER_MEMORY": "8589934592", "UD2M_TESTDRIVER_THREADS": "1",
            ])
        #expect(result.exitCode == 0, "\(result.text)\(result.errorText)")
        #expect(result.text.contains(" 0 failures"))
    }

    @Test("the driver's devices are listed")
    func devices() throws {
        let result = try run(["devices", "--json"])
        let report = try #require(ToolTest.checked(result.output, "devices").object)
        let ids = report["devices"]?.array?.compactMap { $0.object?["id"]?.string } ?? []
        #expect(ids.prefix(2) == ["cpu", "cuda:0"])
        #expect(report["cudaUnavailable"] == nil && report["driverVersion"] != nil)
    }

    @Test("a GPU without what the kernels need is listed with the reason, and refused")
    func oldDevice() throws {
        let environment = ["UD2M_TESTDRIVER_CAPABILITY": "7.5"]
        let result = try run(["devices", "--json"], environment)
        let report = try #require(ToolTest.checked(result.output, "devices").object)
        let gpu = try #require(report["devices"]?.array?.last?.object)
        // A real driver does not know the variable.
        guard gpu["computeCapability"]?.string == "7.5" else { return }
        #expect(gpu["reason"]?.string?.contains("8.0") == true)
        #expect(report["cudaUnavailable"] != nil)
        let test = try run(["cuda-selftest"], environment)
        #expect(test.exitCode == 69, "\(test.errorText)")
    }

    @Test("the self-test passes and launches every kernel")
    func selfTest() throws {
        let result = try run(["cuda-selftest", "--json"])
        #expect(result.exitCode == 0, "\(result.text)\(result.errorText)")
        let report = try #require(ToolTest.checked(result.output, "cuda-selftest").object)
        #expect(report["kernels"]?.object?["notRun"]?.array?.isEmpty == true)
        #expect(report["accelerators"] == nil)
        let checks = try #require(report["checks"]?.array).compactMap(\.object)
        #expect(Set(checks.compactMap { $0["precision"]?.string }) == ["fp16", "bf16", "fp32"])
        #expect(checks.allSatisfy { ($0["error"]?.number ?? 1) <= ($0["bound"]?.number ?? 0) })
    }

    @Test("the self-test on a GPU that is full proves nothing, and says so")
    func selfTestWithoutMemory() throws {
        let environment = ["UD2M_TESTDRIVER_MEMORY": "\(1 << 20)"]
        let devices = try run(["devices", "--json"], environment)
        let report = try #require(ToolTest.checked(devices.output, "devices").object)
        // A real driver does not know the variable.
        guard report["devices"]?.array?.last?.object?["memoryBytes"]?.number == 0x1p20 else { return }
        let result = try run(["cuda-selftest", "--json"], environment)
        #expect(result.exitCode == 75 && result.output.isEmpty)
        let error = try #require(try ToolTest.checked(result.errors, "error").object?["error"]?.object)
        #expect(error["code"]?.string == "memory-exhausted")
        #expect(error["message"]?.string?.contains("iB of") == true)
    }

    @Test("libraries compute layers beside the kernels, and reports say which")
    func accelerators() throws {
        let driver = try #require(DriverFile.path)
        let environment = ["UD2M_CUBLASLT": driver, "UD2M_CUDNN": driver]
        let result = try run(["devices", "--json"], environment)
        let found = try #require(ToolTest.checked(result.output, "devices").object?["accelerators"]?.array)
        // A real driver is no library of products.
        guard found.allSatisfy({ $0.object?["version"] != nil }) else { return }
        let test = try run(["cuda-selftest", "--json"], environment)
        #expect(test.exitCode == 0, "\(test.text)\(test.errorText)")
        let report = try #require(ToolTest.checked(test.output, "cuda-selftest").object)
        let uses = try #require(report["accelerators"]?.array).compactMap(\.object)
        #expect(Set(uses.compactMap { $0["library"]?.string }) == ["cublaslt", "cudnn"])
        #expect(uses.allSatisfy { $0["isUsed"] == .bool(true) && $0["kernelMilliseconds"] != nil })
    }

    @Test("forward on a GPU is close to the reference, and says where it ran")
    func forward() throws {
        let folder = try TemporaryDirectory()
        let (store, output) = (folder.path("network.ud2w"), folder.path("out.safetensors"))
        let input = ToolTest.fixture("adm/adm_a.io.safetensors")
        let converted = try BuiltTool("ud2m-convert").run(
            [ToolTest.fixture("adm/adm_a.pt"), store, "--head-channels", "16", "-q"])
        try #require(converted.exitCode == 0, "\(converted.errorText)")
        let result = try run(
            ["forward", store, "--input", input, "-o", output, "--precision", "fp32", "--json", "--device", "cuda:0"])
        #expect(result.exitCode == 0, "\(result.errorText)")
        #expect(try ToolTest.checked(result.output, "forward").object?["device"]?.string == "cuda:0")
        let want = try #require(try WeightStore(path: input).tensor("out")).floats()
        let have = try #require(try WeightStore(path: output).tensor("out")).floats()
        let worst = zip(want, have).map { abs($0 - $1) }.max() ?? .infinity
        #expect(want.count == have.count && worst <= 1e-4, "\(worst)")
    }

    @Test("a restoration on a GPU is the CPU's to the rounding of a picture", arguments: ["deblur", "inpaint", "sr"])
    func restore(task: String) throws {
        let folder = try TemporaryDirectory()
        let (store, small, seen) = (folder.path("prior.ud2w"), folder.path("small.png"), folder.path("seen.png"))
        let converted = try BuiltTool("ud2m-convert").run([ToolTest.prior, store, "-q"])
        try #require(converted.exitCode == 0, "\(converted.errorText)")
        try ImageFile.write(try ImageFile.read(ToolTest.photo).image.centerCropped(width: 32, height: 32), to: small)
        let degraded = try run(["degrade", small, "-o", seen, "--task", task, "--seed", "1"])
        try #require(degraded.exitCode == 0, "\(degraded.errorText)")
        let pictures = try [["cpu"], ["cuda", "--precision", "fp32"]].map { device in
            let output = folder.path("\(device[0]).png")
            let result = try run(
                [
                    "restore", store, seen, "-o", output, "--operator", "\(seen).operator.json", "--steps", "1",
                    "--iterations", "2", "--json", "--device",
                ] + device)
            try #require(result.exitCode == 0, "\(result.errorText)")
            let report = try #require(ToolTest.checked(result.output, "restore").object)
            #expect(report["device"]?.string?.hasPrefix(device[0]) == true)
            #expect((report["networkSeconds"]?.number ?? 0) > 0)
            return try ImageFile.read(output).image
        }
        let difference = zip(pictures[0].values, pictures[1].values).map { abs($0 - $1) }.max() ?? .infinity
        #expect(pictures[0].values.count == pictures[1].values.count && difference <= 2.0 / 255, "\(difference)")
    }
}
