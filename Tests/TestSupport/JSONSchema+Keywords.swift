import Foundation

extension JSONSchema {
    /// Keywords that say nothing about a document.
    private static let annotations: Set<String> = [
        "$schema", "$id", "$comment", "title", "description", "examples", "default",
    ]
    private static let types: Set<String> = ["object", "array", "string", "integer", "number", "boolean", "null"]

    /// Throws for any part of a schema that validation would not understand.
    ///
    /// - Returns: The references met.
    static func check(_ schema: JSONDocument, in file: String, at place: String) throws -> Set<Reference> {
        var references: Set<Reference> = []
        func check(_ part: JSONDocument, at here: String) throws {
            references.formUnion(try Self.check(part, in: file, at: here))
        }
        func fail(_ reason: String) -> SchemaError { SchemaError(description: "\(place): \(reason)") }
        guard case .object(let keywords) = schema else {
            if case .bool = schema { return [] }
            throw fail("a schema is an object or a boolean")
        }
        for (keyword, value) in keywords.sorted(by: { $0.key < $1.key }) {
            let here = "\(place)/\(keyword)"
            switch (keyword, value) {
            case (let name, _) where Self.annotations.contains(name): break
            case ("type", .string(let name)) where Self.types.contains(name): break
            case ("type", .array(let names))
            where !names.isEmpty && names.allSatisfy({ $0.string.map(Self.types.contains) ?? false }):
                break
            case ("properties", .object(let members)), ("$defs", .object(let members)):
                for (name, member) in members { try check(member, at: "\(here)/\(name)") }
            case ("patternProperties", .object(let members)):
                for (pattern, member) in members {
                    try checkPattern(pattern, at: here)
                    try check(member, at: "\(here)/\(pattern)")
                }
            case ("required", .array(let names)) where names.allSatisfy({ $0.string != nil }): break
            case ("additionalProperties", _), ("items", _): try check(value, at: here)
            case ("oneOf", .array(let options)), ("anyOf", .array(let options)), ("allOf", .array(let options)):
                guard !options.isEmpty else { throw fail("\(keyword) is empty") }
                for (index, option) in options.enumerated() { try check(option, at: "\(here)/\(index)") }
            case ("enum", .array(let values)) where !values.isEmpty: break
            case ("const", _): break
            case ("pattern", .string(let pattern)): try checkPattern(pattern, at: here)
            case ("minimum", .number), ("maximum", .number): break
            case ("minItems", .number(let count)), ("maxItems", .number(let count)),
                ("minLength", .number(let count)):
                guard count >= 0, count == count.rounded() else { throw fail("\(keyword) is not a count") }
            case ("$ref", .string(let target)): references.insert(Reference(file: file, target: target))
            default: throw fail("the keyword \(keyword) is not understood with this value")
            }
        }
        return references
    }

    private static func checkPattern(_ pattern: String, at place: String) throws {
        do {
            _ = try Regex(pattern)
        } catch {
            throw SchemaError(description: "\(place): \(pattern) is no regular expression: \(error)")
        }
    }
}
