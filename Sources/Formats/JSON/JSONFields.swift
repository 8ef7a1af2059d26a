/// The members of a JSON object from a stranger, read one by one with their ranges.
package struct JSONFields {
    /// The members.
    package let object: JSONObject
    /// The code of errors about them.
    package let code: UD2MError.Code
    /// Where the document is.
    package let place: UD2MError.Location
    /// The keys that lead to the object, such as `"kernel."`; empty for the document's own members.
    private let path: String

    /// Takes a document that must be an object.
    /// - Throws: ``UD2MError`` with the code given.
    package init(_ json: JSONValue, _ code: UD2MError.Code, at place: UD2MError.Location) throws(UD2MError) {
        try self.init(json, code, place, path: "")
    }

    private init(
        _ json: JSONValue, _ code: UD2MError.Code, _ place: UD2MError.Location, path: String
    ) throws(UD2MError) {
        guard case .object(let object) = json else { throw UD2MError(code, "A JSON object is expected.", at: place) }
        self.object = object
        self.code = code
        self.place = place
        self.path = path
    }

    /// The error for a member that is not as it must be; names it with the keys that lead to it.
    package func error(_ key: String, _ message: String, remedy: String? = nil) -> UD2MError {
        UD2MError(code, "'\(path)\(key)' \(message)", at: place, remedy: remedy)
    }

    /// A member that must be there.
    package func required<Value>(_ key: String, _ value: Value?) throws(UD2MError) -> Value {
        guard let value else { throw error(key, "is missing.") }
        return value
    }

    /// Text of at most so many bytes, not empty, on one line.
    package func text(_ key: String, atMost limit: Int = 1000) throws(UD2MError) -> String? {
        guard let value = object[key] else { return nil }
        guard case .string(let text) = value, !text.isEmpty, text.utf8.count <= limit,
            text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else { throw error(key, "must be a line of text of at most \(limit) bytes.") }
        return text
    }

    /// A whole number.
    package func whole(_ key: String, in range: ClosedRange<Int>) throws(UD2MError) -> Int? {
        guard let value = object[key] else { return nil }
        guard let number = value.int, range.contains(number) else {
            let limits = range.count == 1 ? "" : "a whole number from \(range.lowerBound) to "
            throw error(key, "must be \(limits)\(range.upperBound)\(butIs(value)).")
        }
        return number
    }

    /// A whole number of 64 bits, such as a seed.
    package func unsigned(_ key: String) throws(UD2MError) -> UInt64? {
        guard let value = object[key] else { return nil }
        guard case .unsigned(let number) = value else {
            throw error(key, "must be a whole number from 0 to 2^64-1\(butIs(value)).")
        }
        return number
    }

    /// A number, in a range where there is one.
    package func number(_ key: String, in range: ClosedRange<Double>? = nil) throws(UD2MError) -> Double? {
        guard let value = object[key] else { return nil }
        guard let number = value.number, range?.contains(number) ?? true else {
            let limits = range.map { " from \($0.lowerBound) to \($0.upperBound)" } ?? ""
            throw error(key, "must be a number\(limits)\(butIs(value)).")
        }
        return number
    }

    /// A number above zero.
    package func positive(_ key: String) throws(UD2MError) -> Double? {
        guard let value = object[key] else { return nil }
        guard let number = value.number, number > 0 else {
            throw error(key, "must be a number above 0\(butIs(value)).")
        }
        return number
    }

    /// A truth value.
    package func flag(_ key: String) throws(UD2MError) -> Bool? {
        guard let value = object[key] else { return nil }
        guard case .bool(let flag) = value else { throw error(key, "must be true or false\(butIs(value)).") }
        return flag
    }

    /// One of a few words.
    package func word<Word: RawRepresentable & CaseIterable>(
        _ key: String, _: Word.Type = Word.self
    ) throws(UD2MError) -> Word? where Word.RawValue == String {
        guard let value = object[key] else { return nil }
        guard case .string(let text) = value, let word = Word(rawValue: text) else {
            throw error(key, "must be one of: \(Word.allCases.map(\.rawValue).joined(separator: ", "))\(butIs(value)).")
        }
        return word
    }

    /// A SHA-256 in hexadecimal.
    package func digest(_ key: String) throws(UD2MError) -> String? {
        guard let value = object[key] else { return nil }
        guard case .string(let text) = value, Hexadecimal.isDigest(text, count: 64) else {
            throw error(key, "must be a SHA-256: 64 hexadecimal digits.")
        }
        return text
    }

    /// The fields of a member that is an object.
    package func fields(_ key: String) throws(UD2MError) -> JSONFields? {
        guard let value = object[key] else { return nil }
        guard case .object = value else { throw error(key, "must be an object\(butIs(value)).") }
        return try JSONFields(value, code, place, path: "\(path)\(key).")
    }

    /// The fields of every element of a member that is a list of objects.
    package func list(_ key: String, count: ClosedRange<Int>) throws(UD2MError) -> [JSONFields]? {
        guard let value = object[key] else { return nil }
        guard case .array(let elements) = value, count.contains(elements.count) else {
            throw error(key, "must be a list of \(count.lowerBound) to \(count.upperBound) objects\(butIs(value)).")
        }
        var result: [JSONFields] = []
        for (index, element) in elements.enumerated() {
            guard case .object = element else { throw error("\(key)[\(index)]", "must be an object\(butIs(element)).") }
            result.append(try JSONFields(element, code, place, path: "\(path)\(key)[\(index)]."))
        }
        return result
    }

    /// Throws when there are members besides these: a person's typing error would otherwise do nothing.
    /// - Parameters:
    ///   - keys: The members that are known.
    ///   - owner: What they belong to, such as "the task jpeg".
    /// - Throws: ``UD2MError``, which names the first that is not known.
    package func requireKnown(_ keys: some Sequence<String>, of owner: String? = nil) throws(UD2MError) {
        let known = Set(keys)
        for (key, _) in object.members where !known.contains(key) {
            throw error(
                Self.short(key), owner.map { "does not belong to \($0)." } ?? "is not known.",
                remedy: "Known are: \(known.sorted().joined(separator: ", ")).")
        }
    }

    /// ", not 300" of a number, a word or a truth value; empty for what a line cannot show.
    private func butIs(_ value: JSONValue) -> String {
        switch value {
        case .null, .bool, .unsigned, .signed, .double:
            return (try? value.canonicalText()).map { ", not \($0)" } ?? ""
        case .string(let text): return ", not '\(Self.short(text))'"
        case .array, .object: return ""
        }
    }

    /// As much of a text as a message has room for.
    private static func short(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(64)))
    }
}
