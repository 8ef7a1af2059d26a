/// Parses the one Python literal a header is: a dict of a text, a boolean and a tuple of whole numbers.
struct NPYLiteralParser {
    struct Fields {
        var descriptor: String?
        var isFortran: Bool?
        var shape: [Int]?
        /// Whether the elements, or fields of them, are Python objects.
        var hasObjects = false
    }

    /// Levels of structures inside structures.
    private static let maximumDepth = 16

    private let bytes: UnsafeRawBufferPointer
    private let baseOffset: Int
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer, baseOffset: Int) {
        self.bytes = bytes
        self.baseOffset = baseOffset
    }

    mutating func dictionary() throws -> Fields {
        var fields = Fields()
        var seen: Set<String> = []
        try expect("{")
        while !take("}") {
            let key = try text()
            guard seen.insert(key).inserted else { throw malformed("The header names '\(key)' twice.") }
            try expect(":")
            switch key {
            case "descr":
                skipSpace()
                if peek() == UInt8(ascii: "[") {
                    fields.hasObjects = try structure(depth: 0)
                } else {
                    let descriptor = try text()
                    fields.descriptor = descriptor
                    fields.hasObjects = Self.meansObjects(descriptor)
                }
            case "fortran_order": fields.isFortran = try boolean()
            case "shape": fields.shape = try tuple()
            default: throw malformed("The header has an unknown key.")
            }
            if !take(",") {
                try expect("}")
                break
            }
        }
        skipSpace()
        guard position == bytes.count else { throw malformed("Something follows the header's dict.") }
        return fields
    }

    /// A list of fields, each a name, a type and perhaps a shape; whether one of them holds Python objects. Nothing else
    /// of it is needed, since structures are no tensors.
    private mutating func structure(depth: Int) throws -> Bool {
        guard depth < Self.maximumDepth else { throw malformed("Structures nest too deeply.") }
        var hasObjects = false
        try expect("[")
        while !take("]") {
            try expect("(")
            // A field with a title is named by a pair.
            if take("(") {
                _ = try text()
                try expect(",")
                _ = try text()
                try expect(")")
            } else {
                _ = try text()
            }
            try expect(",")
            skipSpace()
            let isNested = peek() == UInt8(ascii: "[")
            let fieldHasObjects = isNested ? try structure(depth: depth + 1) : Self.meansObjects(try text())
            hasObjects = hasObjects || fieldHasObjects
            if take(",") { _ = try tuple() }
            try expect(")")
            if !take(",") {
                try expect("]")
                break
            }
        }
        return hasObjects
    }

    /// Whether NumPy may take this name of a type for Python objects: `O`, `|O8`, `object`, or several types with one of
    /// those among them. No other type is spelled with these.
    private static func meansObjects(_ descriptor: String) -> Bool {
        descriptor.utf8.contains(UInt8(ascii: "O")) || descriptor.contains("object")
    }

    private mutating func text() throws -> String {
        skipSpace()
        guard let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
            throw malformed("Expected a quoted text here.")
        }
        let start = position + 1
        guard let end = bytes[start...].firstIndex(of: quote), !bytes[start..<end].contains(UInt8(ascii: "\\")) else {
            throw malformed("A text does not end, or has escapes.")
        }
        position = end + 1
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    private mutating func boolean() throws -> Bool {
        skipSpace()
        for (word, value) in [("True", true), ("False", false)] where bytes.hasBytes(word.utf8, at: position) {
            position += word.utf8.count
            return value
        }
        throw malformed("Expected True or False here.")
    }

    private mutating func tuple() throws -> [Int] {
        var items: [Int] = []
        try expect("(")
        while !take(")") {
            skipSpace()
            let digits = bytes[position...].prefix { (0x30...0x39).contains($0) }
            guard (1...19).contains(digits.count), let value = Int(String(decoding: digits, as: UTF8.self)) else {
                throw malformed("Expected a whole number here.")
            }
            position = digits.endIndex
            // Python 2 wrote long integers with an L.
            if peek() == UInt8(ascii: "L") { position += 1 }
            items.append(value)
            if !take(",") {
                try expect(")")
                break
            }
        }
        return items
    }

    private mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x09 || byte == 0x0D { position += 1 }
    }

    private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard peek() == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws {
        guard take(character) else { throw malformed("Expected '\(character)' here.") }
    }

    private func malformed(_ message: String) -> UD2MError {
        UD2MError(.npyHeader, message, at: .init(byteOffset: baseOffset + position))
    }
}
