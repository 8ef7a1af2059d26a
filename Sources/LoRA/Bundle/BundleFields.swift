import UD2MFormats

/// The members of a JSON object from a stranger, read one by one with their ranges.
struct BundleFields {
    /// The members.
    let object: JSONObject
    /// The code of errors about them.
    let code: UD2MError.Code
    /// Where the object is.
    let place: UD2MError.Location

    /// Takes a document that must be an object.
    init(_ json: JSONValue, _ code: UD2MError.Code, at place: UD2MError.Location) throws(UD2MError) {
        guard case .object(let object) = json else { throw UD2MError(code, "A JSON object is expected.", at: place) }
        self.object = object
        self.code = code
        self.place = place
    }

    /// The error for a member that is not as it must be.
    func error(_ key: String, _ message: String, remedy: String? = nil) -> UD2MError {
        UD2MError(code, "'\(key)' \(message)", at: place, remedy: remedy)
    }

    /// A member that must be there.
    func required<Value>(_ key: String, _ value: Value?) throws(UD2MError) -> Value {
        guard let value else { throw error(key, "is missing.") }
        return value
    }

    /// Text of at most so many bytes, not empty, on one line.
    func text(_ key: String, atMost limit: Int = 1000) throws(UD2MError) -> String? {
        guard let value = object[key] else { return nil }
        guard case .string(let text) = value, !text.isEmpty, text.utf8.count <= limit,
            text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else { throw error(key, "must be a line of text of at most \(limit) bytes.") }
        return text
    }

    /// A whole number.
    func whole(_ key: String, in range: ClosedRange<Int>) throws(UD2MError) -> Int? {
        guard let value = object[key] else { return nil }
        guard let number = value.int, range.contains(number) else {
            throw error(key, "must be a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    /// A number.
    func number(_ key: String, in range: ClosedRange<Double>) throws(UD2MError) -> Double? {
        guard let value = object[key] else { return nil }
        guard let number = value.number, range.contains(number) else {
            throw error(key, "must be a number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    /// A truth value.
    func flag(_ key: String) throws(UD2MError) -> Bool? {
        guard let value = object[key] else { return nil }
        guard case .bool(let flag) = value else { throw error(key, "must be true or false.") }
        return flag
    }

    /// One of a few words.
    func word<Word: RawRepresentable & CaseIterable>(
        _ key: String, _: Word.Type = Word.self
    ) throws(UD2MError) -> Word? where Word.RawValue == String {
        guard let value = object[key] else { return nil }
        guard case .string(let text) = value, let word = Word(rawValue: text) else {
            throw error(key, "must be one of: \(Word.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        return word
    }

    /// A SHA-256 in hexadecimal.
    func digest(_ key: String) throws(UD2MError) -> String? {
        guard let value = object[key] else { return nil }
        guard case .string(let text) = value, Hexadecimal.isDigest(text, count: 64) else {
            throw error(key, "must be a SHA-256: 64 hexadecimal digits.")
        }
        return text
    }

    /// The fields of a member that is an object.
    func fields(_ key: String) throws(UD2MError) -> BundleFields? {
        guard let value = object[key] else { return nil }
        guard case .object = value else { throw error(key, "must be an object.") }
        return try BundleFields(value, code, at: place)
    }

    /// Throws when there are members besides these: a person's typing error would otherwise do nothing.
    func requireKnown(_ keys: Set<String>) throws(UD2MError) {
        for (key, _) in object.members where !keys.contains(key) {
            throw error(key, "is not known.", remedy: "Known are: \(keys.sorted().joined(separator: ", ")).")
        }
    }
}
