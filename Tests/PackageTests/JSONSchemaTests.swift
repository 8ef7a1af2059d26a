import Foundation
import Testing
import UD2MTestSupport

/// The schema validator finds what each keyword forbids, and refuses what it does not understand.
@Suite struct JSONSchemaTests {
    static let cases: [(schema: String, valid: [String], invalid: [String])] = [
        (#"{"type": "integer"}"#, ["1", "1.0", "-7"], ["1.5", "\"1\"", "true", "null"]),
        (#"{"type": "boolean"}"#, ["true", "false"], ["0", "1", "null"]),
        (#"{"type": ["string", "null"]}"#, ["\"\"", "null"], ["0", "{}", "false"]),
        (#"{"type": "number", "minimum": 0, "maximum": 2}"#, ["0", "1.5", "2"], ["-0.1", "2.1", "\"1\""]),
        (#"{"required": ["a"], "properties": {"a": {"type": "array"}}}"#, [#"{"a": []}"#], ["{}", #"{"a": 1}"#]),
        (
            #"{"properties": {"a": true}, "patternProperties": {"^x": {"type": "null"}}, "additionalProperties": false}"#,
            [#"{"a": 1, "x1": null}"#, "{}"], [#"{"b": 1}"#, #"{"x1": 1}"#]
        ),
        (#"{"additionalProperties": {"type": "string"}}"#, [#"{"a": "b"}"#], [#"{"a": 1}"#]),
        (#"{"items": {"enum": [1, "a"]}, "minItems": 1}"#, [#"[1, "a"]"#], ["[]", "[2]", "[true]"]),
        (#"{"const": {"a": [1]}}"#, [#"{"a": [1.0]}"#], [#"{"a": []}"#]),
        (#"{"pattern": "^[0-9a-f]{4}$", "minLength": 1}"#, ["\"00ff\"", "7"], ["\"00fff\"", "\"\""]),
        (#"{"oneOf": [{"minimum": 3}, {"maximum": 5}]}"#, ["2", "6"], ["4"]),
        (#"{"oneOf": [{"type": "null"}, {"type": "string"}]}"#, ["null"], ["4"]),
        (#"{"anyOf": [{"minimum": 3}, {"type": "null"}]}"#, ["4", "null"], ["2"]),
        (#"{"allOf": [{"minimum": 3}, {"maximum": 5}]}"#, ["4"], ["2", "6"]),
        (
            ##"{"$defs": {"node": {"required": ["next"], "properties": {"next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/node"}]}}}}, "$ref": "#/$defs/node"}"##,
            [#"{"next": null}"#, #"{"next": {"next": null}}"#], ["{}", #"{"next": {"next": {}}}"#]
        ),
        ("false", [], ["1", "null"]),
    ]

    @Test(arguments: cases.indices) func keyword(_ index: Int) throws {
        let (schema, valid, invalid) = Self.cases[index]
        let checker = try JSONSchema(Data(schema.utf8))
        for document in valid { #expect(checker.validate(Data(document.utf8)) == [], "\(document)") }
        for document in invalid { #expect(checker.validate(Data(document.utf8)) != [], "\(document)") }
    }

    @Test(arguments: [
        #"{"not": true}"#, #"{"propertes": {}}"#, #"{"type": "int"}"#, #"{"type": []}"#, #"{"properties": {"a": 1}}"#,
        #"{"pattern": "("}"#, ##"{"$ref": "#/$defs/none"}"##, #"{"$ref": "none.json"}"#, #"{"required": "a"}"#, "1",
        #"{"properties": {"a": {"items": {"format": "date"}}}}"#, #"{"oneOf": []}"#, #"{"minItems": -1}"#,
    ])
    func notUnderstood(_ schema: String) {
        #expect(throws: (any Error).self) { try JSONSchema(Data(schema.utf8)) }
    }

    @Test func endlessReferenceIsAViolation() throws {
        let schema = try JSONSchema(Data(##"{"$ref": "#"}"##.utf8))
        #expect(schema.validate(Data("1".utf8)) != [])
    }

    @Test func brokenDocumentIsAViolation() throws {
        let schema = try JSONSchema(Data("true".utf8))
        #expect(schema.validate(Data("{".utf8)) != [])
        #expect(schema.validate(Data("3".utf8)) == [])
    }

    @Test func siblingFiles() throws {
        let folder = try TemporaryDirectory()
        let first = ##"{"properties": {"part": {"$ref": "second.json#/$defs/part"}}, "additionalProperties": false}"##
        let second = ##"{"$defs": {"part": {"type": "string", "$ref": "#/$defs/short"}, "short": {"pattern": "^.$"}}}"##
        try Data(first.utf8).write(to: folder.url.appending(path: "first.json"))
        try Data(second.utf8).write(to: folder.url.appending(path: "second.json"))
        let schema = try JSONSchema(file: folder.url.appending(path: "first.json"))
        #expect(schema.validate(Data(#"{"part": "a"}"#.utf8)) == [])
        #expect(schema.validate(Data(#"{"part": "ab"}"#.utf8)) != [])
        #expect(schema.validate(Data(#"{"part": 1}"#.utf8)) != [])
        try Data(##"{"$defs": {"part": {"maxLength": 1}}}"##.utf8).write(to: folder.url.appending(path: "second.json"))
        #expect(throws: (any Error).self) { try JSONSchema(file: folder.url.appending(path: "first.json")) }
    }
}
