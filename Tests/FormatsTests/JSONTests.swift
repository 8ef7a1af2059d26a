import Testing
import UD2MFormats

@Suite struct JSONTests {
    @Test(arguments: [
        ("null", "null"), (" [ 1 , -2 ,\t3.5 ] ", "[1,-2,3.5]"), ("{\"b\":1,\"a\":{}}", "{\"a\":{},\"b\":1}"),
        ("18446744073709551615", "18446744073709551615"), ("-9223372036854775808", "-9223372036854775808"),
        ("1e2", "100.0"), ("-0", "-0.0"), ("\"\\u00e9\\ud83d\\ude00\\n\\/\"", "\"é😀\\n/\""),
        ("\"\\u0001\u{7F}\"", "\"\\u0001\u{7F}\""), ("[]", "[]"), ("[true,false]", "[true,false]"),
    ])
    func canonicalSpelling(text: String, canonical: String) throws {
        let value = try JSONValue(parsing: text)
        let spelled = try value.canonicalText()
        #expect(Array(spelled.utf8) == Array(canonical.utf8))
        #expect(try JSONValue(parsing: spelled) == value)
    }

    @Test(arguments: [
        ("", UD2MError.Code.jsonSyntax, 0), ("[1,]", .jsonSyntax, 3), ("[1", .jsonSyntax, 2),
        ("{\"a\" 1}", .jsonSyntax, 5),
        ("{a:1}", .jsonSyntax, 1), ("tru", .jsonSyntax, 3), ("nul ", .jsonSyntax, 3), ("'a'", .jsonSyntax, 0),
        ("\"a", .jsonSyntax, 2), ("\"\\", .jsonSyntax, 2), ("NaN", .jsonSyntax, 0), ("//\n1", .jsonSyntax, 0),
        ("01", .jsonNumber, 0), ("-", .jsonNumber, 1), ("1.", .jsonNumber, 2), ("1e", .jsonNumber, 2),
        ("1e999", .jsonNumber, 0), ("[+1]", .jsonSyntax, 1), (".5", .jsonSyntax, 0),
        ("\"\\x\"", .jsonString, 1), ("\"\\u12g4\"", .jsonString, 1), ("\"\\ud800\"", .jsonString, 1),
        ("\"\\ud800\\u0041\"", .jsonString, 1), ("\"\\udc00\"", .jsonString, 1), ("\"a\nb\"", .jsonString, 2),
        ("{\"a\":1,\"\\u0061\":2}", .jsonDuplicateKey, 7), ("1 2", .jsonTrailing, 2), ("[[[[1]]]]", .jsonDepth, 3),
    ])
    func rejects(text: String, code: UD2MError.Code, offset: Int) {
        let error = expectError(code) { _ = try JSONValue(parsing: text, depth: 3) }
        #expect(error?.location.byteOffset == offset)
    }

    @Test func rejectsInvalidUTF8() {
        let bytes: [UInt8] = [0x22, 0x61, 0xC3, 0x28, 0x22]
        let error = expectError(.jsonString) { try bytes.withUnsafeBytes { _ = try JSONValue(parsing: $0) } }
        #expect(error?.location.byteOffset == 0)
    }

    @Test func rejectsEndlessNumbersAndNesting() {
        expectError(.jsonNumber) { _ = try JSONValue(parsing: String(repeating: "1", count: 401)) }
        expectError(.jsonDepth) { _ = try JSONValue(parsing: String(repeating: "[", count: 1_000_000)) }
    }

    @Test func keysAreComparedByBytes() throws {
        // One letter é, and e with a combining accent: equal as Swift strings, different as keys.
        let value = try JSONValue(parsing: "{\"\u{E9}\":1,\"e\u{301}\":2}")
        guard case .object(let object) = value else {
            Issue.record("not an object")
            return
        }
        #expect(object.members.count == 2)
        #expect(object["e\u{301}"] == 2)
        #expect(JSONValue.string("\u{E9}") != .string("e\u{301}"))
    }

    @Test func refusesToWriteInfinity() {
        expectError(.jsonNumber) { _ = try JSONValue.double(.infinity).canonicalText() }
    }
}
