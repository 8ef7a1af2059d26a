import Foundation
import Testing
import UD2MTestSupport

/// What `ud2m bench` reports; how fast anything is belongs to `Benchmarks/`.
@Suite("ud2m bench")
struct BenchCommandTests {
    private func store(_ fixture: String, in folder: TemporaryDirectory) throws -> String {
        let path = folder.path("network.ud2w")
        let result = try BuiltTool("ud2m-convert").run(
            [ToolTest.fixture(fixture), path, "--head-channels", "16", "-q"])
        try #require(result.exitCode == 0, "\(result.errorText)")
        return path
    }

    @Test("counts the network's arithmetic and lists its operations")
    func report() throws {
        let folder = try TemporaryDirectory()
        let store = try store("adm/adm_a.pt", in: folder)
        let result = try BuiltTool("ud2m").run(
            ["bench", store, "--size", "32x48", "--batch", "2", "--runs", "3", "--threads", "1", "--per-op", "--json"])
        #expect(result.exitCode == 0, "\(result.errorText)")
        let report = try #require(ToolTest.checked(result.output, "bench").object)
        #expect(report["batch"]?.number == 2 && report["runs"]?.number == 3 && report["threads"]?.number == 1)
        let median = try #require(report["secondsPerForward"]?.number)
        #expect(try #require(report["secondsMinimum"]?.number) <= median)
        #expect(median <= (try #require(report["secondsMaximum"]?.number)))
        let beside = try #require(report["secondsBesideOperations"]?.number)
        #expect(beside >= 0 && beside < median)
        let operations = try #require(report["operations"]?.array)
        let sum = operations.reduce(0) { $0 + ($1.object?["gflop"]?.number ?? 0) }
        let whole = try #require(report["gflopPerForward"]?.number)
        #expect(whole > 0 && abs(sum - whole) <= 1e-9 * whole)
        // The first convolution: 3 to 32 channels, 9 taps, 32 × 48 pixels, two images.
        let first = try #require(operations.first { $0.object?["detail"]?.string == "3→32, 32×48" }?.object)
        #expect(first["kind"]?.string == "conv3x3" && first["count"]?.number == 2)
        #expect(abs((first["gflop"]?.number ?? 0) - 2 * 2 * 3 * 32 * 9 * 32 * 48 * 1e-9) <= 1e-12)
    }

    @Test("times switching to adapters, and the network without them")
    func adapters() throws {
        let folder = try TemporaryDirectory()
        let store = try store("adm/adm_a.pt", in: folder)
        let bench = ["bench", store, "--size", "32", "--runs", "2", "--adapter", ToolTest.fixture("lora/ud2m.ckpt")]
        let result = try BuiltTool("ud2m").run(bench + ["--json"])
        #expect(result.exitCode == 0, "\(result.errorText)")
        let adapters = try #require(ToolTest.checked(result.output, "bench").object?["adapters"]?.object)
        #expect(adapters["tensors"]?.number == 12)
        #expect(try #require(adapters["secondsToSwitch"]?.number) > 0)
        #expect(try #require(adapters["secondsWithout"]?.number) > 0)
        let merged = try BuiltTool("ud2m").run(bench + ["--adapter-mode", "merged", "--json"])
        #expect(merged.exitCode == 0, "\(merged.errorText)")
        #expect(try ToolTest.checked(merged.output, "bench").object?["adapters"] == nil)
    }

    @Test("measures algorithms, and later runs take the fastest")
    func tune() throws {
        let folder = try TemporaryDirectory()
        let store = try store("adm/adm_a.pt", in: folder)
        let table = folder.path("table.json")
        let bench = ["bench", store, "--size", "32", "--runs", "1"]
        let tuned = try BuiltTool("ud2m").run(bench + ["--tune", table, "-q"])
        #expect(tuned.exitCode == 0, "\(tuned.errorText)")
        let json = try ToolTest.checked(Data(contentsOf: URL(filePath: table)), "algorithms")
        #expect(try #require(json.object?["entries"]?.array).count >= 5)
        let used = try BuiltTool("ud2m").run(bench + ["--algorithms", table, "-q"])
        #expect(used.exitCode == 0, "\(used.errorText)")
        // An existing table stays, and other files are no tables.
        _ = try ToolTest.failure("ud2m", bench + ["--tune", table], exitCode: 73)
        _ = try ToolTest.failure("ud2m", bench + ["--algorithms", store], exitCode: 65)
        let text = try String(contentsOf: URL(filePath: table), encoding: .utf8)
        for (name, changed) in [("winograd2", "winograd7"), ("\"inputBlocks\" : ", "\"inputBlocks\" : 9")] {
            let nonsense = folder.path("nonsense.json")
            try Data(text.replacing(name, with: changed).utf8).write(to: URL(filePath: nonsense))
            let error = try ToolTest.failure("ud2m", bench + ["--algorithms", nonsense], exitCode: 65).object
            #expect(error?["code"]?.string == "algorithms-table")
            #expect(error?["location"]?.object?["file"]?.string == nonsense)
        }
    }

    #if arch(x86_64)
        private static let otherTier = "neon"
    #else
        private static let otherTier = "avx2"
    #endif

    @Test("an instruction set that cannot be had is refused with those that can", arguments: ["sse9", otherTier])
    func instructionSet(_ name: String) throws {
        let folder = try TemporaryDirectory()
        let store = try store("adm/adm_a.pt", in: folder)
        let bench = ["bench", store, "--size", "16", "--runs", "1", "--json"]
        let result = try BuiltTool("ud2m").run(bench, environment: ["UD2M_ISA": name])
        #expect(result.exitCode == 64 && result.output.isEmpty)
        let error = try ToolTest.checked(result.errors, "error").object?["error"]?.object
        #expect(error?["code"]?.string == "instruction-set")
        #expect(error?["remedy"]?.string?.contains("reference, generic") == true)
        let reference = try BuiltTool("ud2m").run(bench, environment: ["UD2M_ISA": "reference"])
        #expect(reference.exitCode == 0, "\(reference.errorText)")
        #expect(try ToolTest.checked(reference.output, "bench").object?["instructionSet"]?.string == "reference")
    }

    @Test("impossible sizes are refused")
    func errors() throws {
        let folder = try TemporaryDirectory()
        let store = try store("adm/adm_a.pt", in: folder)
        _ = try ToolTest.failure("ud2m", ["bench", store, "--size", "0"], exitCode: 64)
        _ = try ToolTest.failure("ud2m", ["bench", store, "--size", "33"], exitCode: 64)
        _ = try ToolTest.failure("ud2m", ["bench", store, "--runs", "0"], exitCode: 64)
        let beyond = try ToolTest.failure("ud2m", ["bench", store, "--size", "16385"], exitCode: 64)
        #expect(beyond.object?["message"]?.string?.contains("16384") == true)
    }

    @Test("what no machine can hold is a typed error, not a crash", arguments: ["16384", "8192"])
    func memory(_ size: String) throws {
        let folder = try TemporaryDirectory()
        let store = try store("adm/adm_a.pt", in: folder)
        let error = try ToolTest.failure(
            "ud2m", ["bench", store, "--size", size, "--batch", "1024"], exitCode: 75
        ).object
        #expect(error?["code"]?.string == "memory-exhausted")
        #expect(error?["message"]?.string?.contains("\(size)×\(size)") == true)
        #expect(error?["remedy"]?.string != nil)
    }
}
