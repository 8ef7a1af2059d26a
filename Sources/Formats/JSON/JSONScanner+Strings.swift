extension JSONScanner {
    /// Reads a string with its escapes decoded; the result's UTF-8 is exactly what the text says.
    package mutating func string() throws -> String {
        let start = position
        guard next == UInt8(ascii: "\"") else {
            throw error(.jsonSyntax, "Expected a string here, found \(describeNext).")
        }
        advance()
        var decoded: [UInt8] = []
        while true {
            let run = plainRun()
            advance(run.count)
            guard let byte = next else {
                throw error(.jsonSyntax, "The text ends inside a string.")
            }
            switch byte {
            case UInt8(ascii: "\""):
                // Most strings are one run, which needs no copy of its own.
                if !decoded.isEmpty { decoded.append(contentsOf: run) }
                let text =
                    decoded.isEmpty
                    ? String(validating: run, as: UTF8.self) : String(validating: decoded, as: UTF8.self)
                guard let text else {
                    throw error(
                        .jsonString, "The string that starts here is not valid UTF-8.", offset: offset(of: start))
                }
                advance()
                return text
            case UInt8(ascii: "\\"):
                decoded.append(contentsOf: run)
                try escape(into: &decoded)
            default:
                throw error(.jsonString, "A string holds the control character \(byte) without an escape.")
            }
        }
    }

    /// The bytes from the cursor to the next one that means something inside a string, or to the end.
    private func plainRun() -> UnsafeRawBufferPointer {
        var end = position
        while end < bytes.count {
            let byte = bytes[end]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
            end += 1
        }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<end])
    }

    private func offset(of position: Int) -> Int { offset - self.position + position }

    private mutating func escape(into decoded: inout [UInt8]) throws {
        let start = offset
        advance()
        guard let letter = next else { throw error(.jsonSyntax, "The text ends inside a string.") }
        advance()
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(letter)
        case UInt8(ascii: "b"): decoded.append(0x08)
        case UInt8(ascii: "f"): decoded.append(0x0C)
        case UInt8(ascii: "n"): decoded.append(0x0A)
        case UInt8(ascii: "r"): decoded.append(0x0D)
        case UInt8(ascii: "t"): decoded.append(0x09)
        case UInt8(ascii: "u"):
            let scalar = try escapedScalar(start: start)
            decoded.append(contentsOf: String(Character(scalar)).utf8)
        default:
            throw error(.jsonString, "A string holds an unknown escape.", offset: start)
        }
    }

    /// Reads the digits after `\u`, and those of the low surrogate where one must follow.
    private mutating func escapedScalar(start: Int) throws -> Unicode.Scalar {
        var value = try hexDigits(start: start)
        if (0xD800...0xDBFF).contains(value) {
            guard next == UInt8(ascii: "\\") else { throw loneSurrogate(start) }
            advance()
            guard next == UInt8(ascii: "u") else { throw loneSurrogate(start) }
            advance()
            let low = try hexDigits(start: start)
            guard (0xDC00...0xDFFF).contains(low) else { throw loneSurrogate(start) }
            value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw loneSurrogate(start) }
        return scalar
    }

    private func loneSurrogate(_ start: Int) -> UD2MError {
        error(.jsonString, "A string holds half of a surrogate pair.", offset: start)
    }

    private mutating func hexDigits(start: Int) throws -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw error(.jsonString, "A \\u escape needs four hexadecimal digits.", offset: start)
            }
            value = value << 4 | UInt32(digit)
            advance()
        }
        return value
    }
}
