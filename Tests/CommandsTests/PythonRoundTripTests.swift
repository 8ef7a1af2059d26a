import Foundation
import Testing
import UD2MTestSupport

/// Exports as the Python libraries see them; they are no dependency, so the test runs only where a person names one.
@Suite("Exports in torch, safetensors and NumPy")
struct PythonRoundTripTests {
    private static let interpreter = ProcessInfo.processInfo.environment["UD2M_PYTHON"]

    @Test(
        "every format is bit-identical to the original",
        .enabled(
            if: PythonRoundTripTests.interpreter != nil,
            "Set UD2M_PYTHON to an interpreter that has torch, safetensors and numpy."))
    func everyFormat() throws {
        let folder = try TemporaryDirectory()
        let tool = try BuiltTool("ud2m-convert")
        // Three originals: all types, those that safetensors has, and those that NumPy has.
        try check(CheckpointToolTest.types, [folder.path("all.pt")], tool)
        let store = folder.path("storable.pt")
        try write(store, "k != 'types.complex128'")
        try check(
            store,
            ["a.pt", "a.ud2w", "a.safetensors"].map { folder.path($0) }
                + [folder.path("sharded.safetensors.index.json")], tool, "--max-shard-size=1kB")
        let plain = folder.path("plain.pt")
        try write(plain, "'float8' not in k and 'float4' not in k and 'bfloat16' not in k")
        try check(plain, [folder.path("plain.npz"), folder.path("plain-again.pt")], tool)
    }

    /// Has Python write a part of the fixture.
    private func write(_ path: String, _ condition: String) throws {
        try python([
            "-c",
            "import sys, torch; d = torch.load(sys.argv[1], weights_only=True); "
                + "torch.save({k: v for k, v in d.items() if \(condition)}, sys.argv[2])",
            CheckpointToolTest.types, path,
        ])
    }

    /// Exports through a store where one is asked for, and lets the script compare.
    private func check(_ original: String, _ outputs: [String], _ tool: BuiltTool, _ shardSize: String? = nil) throws {
        for output in outputs {
            let isSharded = output.hasSuffix(".index.json")
            let arguments = ["export", original, output, "-q"] + (isSharded ? [shardSize].compactMap(\.self) : [])
            let result = try tool.run(arguments)
            #expect(result.exitCode == 0, "\(result.errorText)")
        }
        let script = RepositoryPaths.root.appending(path: "scripts/check-with-python.py").path(percentEncoded: false)
        try python([script, original] + outputs)
    }

    private func python(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: try #require(Self.interpreter))
        process.arguments = arguments
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
    }
}
