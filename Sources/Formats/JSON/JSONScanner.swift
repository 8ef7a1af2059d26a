/// A cursor over JSON text that reads one token at a time and builds nothing by itself.
///
/// It follows RFC 8259 to the letter and never reads outside `bytes`. The bytes must outlive it.
package struct JSONScanner {
    /// Characters of the longest number that is read; more digits carry no meaning for a double.
    package static let longestNumber = 400

    /// The text.
    package let bytes: UnsafeRawBufferPointer
    /// The index of the next byte.
    package private(set) var position = 0
    /// Where the text is; errors add the byte.
    package let location: UD2MError.Location
    private let baseOffset: Int

    /// Creates a cursor at the start of `bytes`, which lie `baseOffset` bytes into their file.
    package init(_ bytes: UnsafeRawBufferPointer, at location: UD2MError.Location, baseOffset: Int = 0) {
        self.bytes = bytes
        self.location = location
        self.baseOffset = baseOffset
    }

    /// The next byte, or nil at the end.
    package var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// The offset in the file of the next byte.
    package var offset: Int { baseOffset + position }

    /// An error at the next byte, or at `offset`.
    package func error(_ code: UD2MError.Code, _ message: String, offset: Int? = nil) -> UD2MError {
        var place = location
        place.byteOffset = offset ?? self.offset
        return UD2MError(code, message, at: place)
    }

    /// Skips spaces, tabs and line ends.
    package mutating func skipWhitespace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    /// Takes one byte if it is `byte`, whitespace before it skipped.
    package mutating func take(_ byte: UInt8) -> Bool {
        skipWhitespace()
        guard next == byte else { return false }
        position += 1
        return true
    }

    /// Takes `byte` or throws.
    package mutating func expect(_ byte: UInt8) throws {
        guard take(byte) else {
            let wanted = Character(Unicode.Scalar(byte))
            throw error(.jsonSyntax, "Expected '\(wanted)' here, found \(describeNext).")
        }
    }

    /// Takes a word such as `true` or throws.
    package mutating func expect(word: StaticString) throws {
        for index in 0..<word.utf8CodeUnitCount {
            guard next == word.utf8Start[index] else {
                throw error(.jsonSyntax, "Expected '\(word)' here, found \(describeNext).")
            }
            position += 1
        }
    }

    /// Checks that only whitespace is left.
    package mutating func expectEnd() throws {
        skipWhitespace()
        guard position == bytes.count else {
            throw error(.jsonTrailing, "The document ends here, but \(describeNext) follows.")
        }
    }

    /// Calls `body` for each element of an array, the cursor standing on the element.
    package mutating func array(_ body: (inout JSONScanner) throws -> Void) throws {
        try expect(UInt8(ascii: "["))
        if take(UInt8(ascii: "]")) { return }
        repeat {
            skipWhitespace()
            try body(&self)
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"))
    }

    /// Calls `body` with each key of an object and the key's file offset, the cursor standing on the value.
    ///
    /// Finding duplicates is left to `body`, which knows what they mean.
    package mutating func object(_ body: (inout JSONScanner, String, Int) throws -> Void) throws {
        try expect(UInt8(ascii: "{"))
        if take(UInt8(ascii: "}")) { return }
        repeat {
            skipWhitespace()
            let keyOffset = offset
            let key = try string()
            try expect(UInt8(ascii: ":"))
            skipWhitespace()
            try body(&self, key, keyOffset)
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
    }

    /// Reads digits alone: no sign, no fraction, no exponent, at most 2⁶⁴−1.
    package mutating func unsigned() throws -> UInt64 {
        let start = offset
        guard case .unsigned(let value) = try number() else {
            throw error(
                .jsonNumber, "Only whole numbers from 0 to 2^64-1 without sign are allowed here.", offset: start)
        }
        return value
    }

    /// Reads a number, exactly when it is an integer of 64 bits.
    package mutating func number() throws -> JSONValue {
        let start = position
        let isNegative = next == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let digits = position
        try skipDigits()
        if bytes[digits] == UInt8(ascii: "0"), position > digits + 1 {
            throw error(.jsonNumber, "A number may not start with zeros.", offset: baseOffset + digits)
        }
        var isInteger = true
        if next == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            try skipDigits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            isInteger = false
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            try skipDigits()
        }
        guard position - start <= Self.longestNumber else {
            throw error(
                .jsonNumber, "A number is longer than \(Self.longestNumber) characters.", offset: baseOffset + start)
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, !isNegative, let value = UInt64(text) { return .unsigned(value) }
        if isInteger, isNegative, let value = Int64(text), value != 0 { return .signed(value) }
        guard let value = Double(text), value.isFinite else {
            throw error(.jsonNumber, "A number does not fit a double.", offset: baseOffset + start)
        }
        return .double(value)
    }

    private mutating func skipDigits() throws {
        let start = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        guard position > start else { throw error(.jsonNumber, "Expected a digit here, found \(describeNext).") }
    }

    /// Moves over `count` bytes that the caller has looked at.
    mutating func advance(_ count: Int = 1) {
        position = min(position + count, bytes.count)
    }

    /// What stands at the cursor, for messages.
    var describeNext: String {
        guard let byte = next else { return "the end" }
        if (0x21...0x7E).contains(byte) { return "'\(Character(Unicode.Scalar(byte)))'" }
        return "byte \(byte)"
    }
}
