import Foundation
import Testing
import UD2MTestSupport

/// Exports as the Python libraries see them; they are no dependency, so the test runs only where they are.
@Suite("Exports in torch, safetensors and NumPy")
struct PythonRoundTripTests {
    /// The interpreter that `UD2M_PYTHON` names, else the `python3` of PATH if it has the libraries.
    private static let interpreter: String? = {
        if let named = ProcessInfo.processInfo.environment["UD2M_PYTHON"] { return named }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let found = path.split(separator: ":").map { "\($0)/python3" }.first {
            FileManager.default.isExecutableFile(atPath: $0)
        }
        guard let found, let result = try? run(found, ["-c", "import torch, safetensors.torch, numpy"]) else {
            return nil
        }
        return result.exitCode == 0 ? found : nil
    }()

    private static func run(_ interpreter: String, _ arguments: [String]) throws -> BuiltTool.Result {
        try BuiltTool(url: URL(filePath: interpreter)).run(arguments)
    }

    @Test(
        "every type that torch has goes through a store bit for bit, and safetensors opens the store",
        .enabled(
            if: PythonRoundTripTests.interpreter != nil,
            "No python3 with torch, safetensors and numpy on PATH; or name one in UD2M_PYTHON."))
    func throughStore() throws {
        let folder = try TemporaryDirectory()
        // All types; safetensors has no complex doubles, so their names go with `.pt` only.
        let all = folder.path("all.ud2w")
        try export(CheckpointToolTest.types, all)
        try export(all, folder.path("all.pt"))
        try compare(CheckpointToolTest.types, [folder.path("all.pt")])
        try python([
            "-c",
            "import sys, torch, safetensors; f = safetensors.safe_open(sys.argv[1], 'pt'); "
                + "[f.get_tensor(k) for k in f.keys()]; assert len(f.keys()) > 30",
            all,
        ])

        let (original, store) = (folder.path("storable.pt"), folder.path("storable.ud2w"))
        try write(original, "k != 'types.complex128'")
        try export(original, store)
        let outputs = ["a.pt", "a.safetensors", "a.ud2w", "a.safetensors.index.json"].map { folder.path($0) }
        for output in outputs { try export(store, output) }
        try compare(original, [store] + outputs)
    }

    @Test(
        "every format is bit-identical to the original",
        .enabled(
            if: PythonRoundTripTests.interpreter != nil,
            "No python3 with torch, safetensors and numpy on PATH; or name one in UD2M_PYTHON."))
    func everyFormat() throws {
        let folder = try TemporaryDirectory()
        // All types, and those that NumPy has.
        try export(CheckpointToolTest.types, folder.path("all.pt"))
        try compare(CheckpointToolTest.types, [folder.path("all.pt")])
        let plain = folder.path("plain.pt")
        try write(plain, "'float8' not in k and 'float4' not in k and 'bfloat16' not in k")
        let (store, array) = (folder.path("plain.ud2w"), folder.path("plain.npz"))
        try export(plain, store)
        try export(store, array)
        try compare(plain, [array])
    }

    @Test(
        "sparse tensors go through a store and are sparse in torch again",
        .enabled(
            if: PythonRoundTripTests.interpreter != nil,
            "No python3 with torch, safetensors and numpy on PATH; or name one in UD2M_PYTHON."))
    func sparse() throws {
        let folder = try TemporaryDirectory()
        let original = ToolTest.fixture("checkpoints/zip-sparse.pt")
        let (store, back) = (folder.path("a.ud2w"), folder.path("a.pt"))
        try export(original, store)
        try export(store, back)
        try python([
            "-c",
            "import sys, torch; a, b = (torch.load(p, weights_only=True) for p in sys.argv[1:]); "
                + "assert list(a) == list(b) and len(a) == 8, list(b); "
                + "assert all(a[k].layout == b[k].layout and torch.equal(a[k].to_dense(), b[k].to_dense()) for k in a)",
            original, back,
        ])
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

    private func export(_ input: String, _ output: String) throws {
        let shards = output.hasSuffix(".index.json") ? ["--max-shard-size=1kB"] : []
        let result = try BuiltTool("ud2m-convert").run(["export", input, output, "-q"] + shards)
        #expect(result.exitCode == 0, "\(result.errorText)")
    }

    /// Lets the script compare files with an original that Python wrote.
    private func compare(_ original: String, _ files: [String]) throws {
        let script = RepositoryPaths.root.appending(path: "scripts/check-with-python.py").path(percentEncoded: false)
        try python([script, original] + files)
    }

    private func python(_ arguments: [String]) throws {
        let result = try Self.run(try #require(Self.interpreter), arguments)
        #expect(result.exitCode == 0, "\(result.errorText)")
    }
}
