import Foundation
import Testing
import UD2MTestSupport

/// Paths and checks that the command tests share.
enum ToolTest {
    static let prior = RepositoryPaths.root.appending(path: "Examples/demo/prior64.pt").path(percentEncoded: false)
    static let photo = RepositoryPaths.root.appending(path: "Examples/demo/photos/cat.png").path(percentEncoded: false)

    static func fixture(_ name: String) -> String {
        RepositoryPaths.fixtures.appending(path: name).path(percentEncoded: false)
    }

    /// Checks a tool's output against a schema and gives it as JSON.
    static func checked(_ data: Data, _ schema: String) throws -> JSONDocument {
        let file = RepositoryPaths.root.appending(path: "schemas/\(schema).schema.json")
        #expect(try JSONSchema(file: file).validate(data) == [])
        return try JSONDocument(data)
    }

    /// Runs a tool that must fail with `code` under `--json`, and gives the error's code.
    static func failure(
        _ tool: String, _ arguments: [String], exitCode: Int32, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> JSONDocument {
        let result = try BuiltTool(tool).run(arguments + ["--json"])
        #expect(result.exitCode == exitCode, "\(result.errorText)", sourceLocation: sourceLocation)
        #expect(result.output.isEmpty, sourceLocation: sourceLocation)
        return try #require(try checked(result.errors, "error").object?["error"], sourceLocation: sourceLocation)
    }
}
