import Foundation

/// A JSON value as a closed set of cases, from Foundation's reader rather than the toolkit's, which is under test.
public enum JSONDocument: Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// Any number, as JSON Schema sees it: 1 and 1.0 are equal.
    case number(Double)
    /// Text.
    case string(String)
    /// A list.
    case array([JSONDocument])
    /// Named members.
    case object([String: JSONDocument])

    /// Reads a document; a lone value is one too.
    public init(_ data: Data) throws {
        self.init(any: try JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed))
    }

    private init(any value: Any) {
        switch value {
        case let members as [String: Any]: self = .object(members.mapValues(JSONDocument.init(any:)))
        case let items as [Any]: self = .array(items.map(JSONDocument.init(any:)))
        case let text as String: self = .string(text)
        case let number as NSNumber:
            // Foundation's booleans are numbers too; the stored type tells them apart, as no JSON number is a C char.
            let isBool = String(cString: number.objCType) == "c"
            self = isBool ? .bool(number.boolValue) : .number(number.doubleValue)
        default: self = .null
        }
    }

    /// The text of a string.
    public var string: String? { if case .string(let text) = self { text } else { nil } }
    /// The value of a number.
    public var number: Double? { if case .number(let number) = self { number } else { nil } }
    /// The members of an object.
    public var object: [String: JSONDocument]? { if case .object(let members) = self { members } else { nil } }
    /// The items of an array.
    public var array: [JSONDocument]? { if case .array(let items) = self { items } else { nil } }

    /// The JSON Schema type of the value; a whole number is an `integer`.
    var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .number(let number): number == number.rounded() ? "integer" : "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    /// Whether the value is of a JSON Schema type.
    func has(type name: String) -> Bool {
        typeName == name || (name == "number" && typeName == "integer")
    }
}
