import Foundation
import Testing
import UD2MTestSupport

/// What the tests of `ud2m-convert`'s subcommands share.
enum CheckpointToolTest {
    static let types = ToolTest.fixture("tools/types.pt")
    static let wrapped = ToolTest.fixture("tools/wrapped.pt")

    /// Runs a subcommand under `--json`, checks its exit code and its report against the subcommand's schema.
    static func report(
        _ arguments: [String], exitCode: Int32 = 0, input: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [String: JSONDocument] {
        let result = try BuiltTool("ud2m-convert").run(arguments + ["--json"], input: input)
        #expect(result.exitCode == exitCode, "\(result.errorText)", sourceLocation: sourceLocation)
        let name = try #require(arguments.first, sourceLocation: sourceLocation)
        return try #require(try ToolTest.checked(result.output, name).object, sourceLocation: sourceLocation)
    }

    /// The digests of a file's selected tensors by name.
    static func digests(_ path: String) throws -> [String: String] {
        let report = try report(["inspect", path, "--digests"])
        var digests: [String: String] = [:]
        for tensor in try #require(report["tensors"]?.array) {
            digests[try #require(tensor.object?["name"]?.string)] = try #require(tensor.object?["sha256"]?.string)
        }
        return digests
    }

    /// What PyTorch said the fixture holds: type, shape and digest by name.
    static func manifest() throws -> [String: JSONDocument] {
        let data = try Data(contentsOf: URL(filePath: ToolTest.fixture("tools/manifest.json")))
        return try #require(try JSONDocument(data).object)
    }

    /// The names in one of the manifest's parts, without the given ones.
    static func manifestDigests(without excluded: Set<String> = []) throws -> [String: String] {
        let state = try #require(try manifest()["state"]?.object)
        return try state.filter { !excluded.contains($0.key) }.mapValues {
            try #require($0.object?["sha256"]?.string)
        }
    }
}
