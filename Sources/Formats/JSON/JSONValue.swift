/// A JSON document in memory; integers of 64 bits are exact.
///
/// Keys and strings keep their bytes exactly. Everything that compares them here compares bytes, since Swift's own `==`
/// takes different spellings of an accented letter for the same (`formats.md` §15.1).
public enum JSONValue: Sendable {
    case null
    case bool(Bool)
    /// A whole number without sign.
    case unsigned(UInt64)
    /// A whole number below zero.
    case signed(Int64)
    /// Any other finite number.
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// Reads one document, nested at most `depth` levels deep; errors add the byte to `location`.
    /// - Throws: ``UD2MError`` with a `json-…` code.
    public init(
        parsing bytes: UnsafeRawBufferPointer, depth: Int = Limits.standard.jsonDepth,
        at location: UD2MError.Location = .init()
    ) throws {
        var scanner = JSONScanner(bytes, at: location)
        scanner.skipWhitespace()
        self = try scanner.value(depth: depth)
        try scanner.expectEnd()
    }

    /// Reads one document from text.
    /// - Throws: ``UD2MError`` with a `json-…` code.
    public init(
        parsing text: String, depth: Int = Limits.standard.jsonDepth, at location: UD2MError.Location = .init()
    ) throws {
        self = try Array(text.utf8).withUnsafeBytes { try JSONValue(parsing: $0, depth: depth, at: location) }
    }

    /// The exact whole number, when it is one and fits.
    public var int: Int? {
        switch self {
        case .unsigned(let value): Int(exactly: value)
        case .signed(let value): Int(exactly: value)
        default: nil
        }
    }

    /// The number, whole or not, as a double; nil for what is none.
    package var number: Double? {
        switch self {
        case .unsigned(let value): Double(value)
        case .signed(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
}

/// The members of a JSON object in the order of the text; keys are unique.
public struct JSONObject: Sendable {
    /// A key and its value.
    public typealias Member = (key: String, value: JSONValue)

    /// The members.
    public private(set) var members: [Member] = []

    /// Creates an empty object.
    public init() {}

    /// The value of a key; setting replaces or appends, setting nil removes.
    public subscript(key: String) -> JSONValue? {
        get { members.first { Self.same($0.key, key) }?.value }
        set {
            let index = members.firstIndex { Self.same($0.key, key) }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append((key, value))
            case (nil, nil): break
            }
        }
    }

    /// Adds a member whose key the caller knows to be new.
    package mutating func append(_ key: String, _ value: JSONValue) {
        members.append((key, value))
    }

    private static func same(_ lhs: String, _ rhs: String) -> Bool { lhs.utf8.elementsEqual(rhs.utf8) }
}

extension JSONScanner {
    /// Reads any value, `depth` levels deep at most.
    package mutating func value(depth: Int) throws -> JSONValue {
        switch next {
        case UInt8(ascii: "{"):
            try requireDepth(depth)
            var object = JSONObject()
            var keys: Set<TensorName> = []
            try self.object { scanner, key, keyOffset in
                guard keys.insert(TensorName(key)).inserted else {
                    throw scanner.error(.jsonDuplicateKey, "An object names a key twice.", offset: keyOffset)
                }
                object.append(key, try scanner.value(depth: depth - 1))
            }
            return .object(object)
        case UInt8(ascii: "["):
            try requireDepth(depth)
            var elements: [JSONValue] = []
            try array { elements.append(try $0.value(depth: depth - 1)) }
            return .array(elements)
        case UInt8(ascii: "\""):
            return .string(try string())
        case UInt8(ascii: "t"):
            try expect(word: "true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try expect(word: "false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try expect(word: "null")
            return .null
        case .some(UInt8(ascii: "-")), .some(UInt8(ascii: "0")...UInt8(ascii: "9")):
            return try number()
        default:
            throw error(.jsonSyntax, "Expected a value here, found \(describeNext).")
        }
    }

    /// Throws when no further level may be opened.
    package func requireDepth(_ depth: Int) throws {
        guard depth > 0 else { throw error(.jsonDepth, "Arrays and objects are nested too deep here.") }
    }
}
