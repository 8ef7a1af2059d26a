import Foundation

/// A JSON Schema (draft 2020-12) and the check of JSON documents against it.
///
/// The subset is what the project's schemas use: `type`, `properties`, `required`, `additionalProperties`,
/// `patternProperties`, `items`, `enum`, `const`, `pattern`, `minimum`, `maximum`, `minItems`, `maxItems`, `minLength`, `$ref` (to
/// `#`, `#/$defs/…` and sibling files), `oneOf`, `anyOf` and `allOf`. A keyword outside it is an error when the schema is
/// loaded, so that no schema silently checks nothing.
public struct JSONSchema: Sendable {
    /// Why a schema cannot be used.
    public struct SchemaError: Error, CustomStringConvertible {
        /// The file and place, and what is wrong there.
        public let description: String
    }

    /// A reference and the file it stands in.
    struct Reference: Hashable {
        /// The name of the file.
        let file: String
        /// The text after `$ref`.
        let target: String
    }

    private let name: String
    /// This schema and every file it leads to.
    private var documents: [String: JSONDocument] = [:]

    /// Loads a schema file.
    ///
    /// - Throws: `SchemaError` for a keyword, a pattern or a reference that is not understood, also in the sibling files
    ///   it refers to.
    public init(file: URL) throws {
        try self.init(
            try Data(contentsOf: file), name: file.lastPathComponent, folder: file.deletingLastPathComponent())
    }

    /// Reads a schema that refers to no other file.
    ///
    /// - Throws: As ``init(file:)`` does.
    public init(_ data: Data) throws {
        try self.init(data, name: "schema", folder: nil)
    }

    private init(_ data: Data, name: String, folder: URL?) throws {
        self.name = name
        var references: Set<Reference> = []
        var pending = [(name, data)]
        while let (file, data) = pending.popLast() {
            let document = try JSONDocument(data)
            documents[file] = document
            let found = try Self.check(document, in: file, at: "\(file)#")
            references.formUnion(found)
            for next in Set(found.map { $0.destination.file }) where documents[next] == nil {
                guard let folder, !next.contains("/") else {
                    throw SchemaError(description: "\(file): \(next) is not a file beside the schema")
                }
                pending.append((next, try Data(contentsOf: folder.appending(path: next))))
            }
        }
        for reference in references where resolve(reference) == nil {
            throw SchemaError(description: "\(reference.file): \(reference.target) points to nothing")
        }
    }

    /// Checks a document.
    ///
    /// - Returns: One line for each violation, with the place in the document; empty when the document is valid.
    public func validate(_ data: Data) -> [String] {
        do {
            return violations(of: try JSONDocument(data), schema: documents[name] ?? .bool(false), in: name, at: "$")
        } catch {
            return ["$: not JSON: \(error)"]
        }
    }

    /// The file and the schema a reference points to; nil when there is none.
    func resolve(_ reference: Reference) -> (file: String, schema: JSONDocument)? {
        let (file, pointer) = reference.destination
        var value = documents[file]
        for step in pointer.split(separator: "/") {
            value = value?.object?[String(step.replacing("~1", with: "/").replacing("~0", with: "~"))]
        }
        return value.map { (file, $0) }
    }
}

extension JSONSchema.Reference {
    /// The file pointed to, and the JSON pointer inside it.
    var destination: (file: String, pointer: String) {
        let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let file = parts.first ?? ""
        return (file.isEmpty ? self.file : file, parts.count > 1 ? parts[1] : "")
    }
}
