/// Whether bytes are UTF-8 in which lone surrogates are legal, as Python's `surrogatepass` has it.
func isSurrogatePassUTF8(_ bytes: ArraySlice<UInt8>) -> Bool {
    var index = bytes.startIndex
    let end = bytes.endIndex
    while index < end {
        let lead = bytes[index]
        if lead < 0x80 {
            index += 1
            continue
        }
        // The smallest and largest second byte exclude overlong forms and values beyond U+10FFFF.
        let (count, second): (Int, ClosedRange<UInt8>)
        switch lead {
        case 0xC2...0xDF: (count, second) = (2, 0x80...0xBF)
        case 0xE0: (count, second) = (3, 0xA0...0xBF)
        case 0xE1...0xEF: (count, second) = (3, 0x80...0xBF)
        case 0xF0: (count, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (count, second) = (4, 0x80...0xBF)
        case 0xF4: (count, second) = (4, 0x80...0x8F)
        default: return false
        }
        guard end - index >= count, second.contains(bytes[index + 1]),
            bytes[(index + 2)..<(index + count)].allSatisfy({ $0 & 0xC0 == 0x80 })
        else { return false }
        index += count
    }
    return true
}

/// The UTF-8 of a line in Python's raw-unicode-escape: Latin-1 bytes, `\uXXXX` and `\UXXXXXXXX`; nil when malformed.
func decodeRawUnicodeEscape(_ line: ArraySlice<UInt8>) -> [UInt8]? {
    var out: [UInt8] = []
    out.reserveCapacity(line.count)
    var index = line.startIndex
    while index < line.endIndex {
        let byte = line[index]
        index += 1
        guard byte == UInt8(ascii: "\\"), index < line.endIndex else {
            appendUTF8(UInt32(byte), to: &out)
            continue
        }
        let kind = line[index]
        index += 1
        guard kind == UInt8(ascii: "u") || kind == UInt8(ascii: "U") else {
            out.append(byte)
            appendUTF8(UInt32(kind), to: &out)
            continue
        }
        let digits = kind == UInt8(ascii: "u") ? 4 : 8
        guard line.endIndex - index >= digits,
            let scalar = hexadecimal(line[index..<(index + digits)]), scalar <= 0x10FFFF
        else { return nil }
        appendUTF8(scalar, to: &out)
        index += digits
    }
    return out
}

/// The bytes of a quoted Python-2 string literal; nil when malformed.
func decodeQuotedString(_ line: ArraySlice<UInt8>) -> [UInt8]? {
    guard line.count >= 2, let quote = line.first, quote == line.last,
        quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"")
    else { return nil }
    let body = line.dropFirst().dropLast()
    var out: [UInt8] = []
    out.reserveCapacity(body.count)
    var index = body.startIndex
    while index < body.endIndex {
        let byte = body[index]
        index += 1
        guard byte == UInt8(ascii: "\\") else {
            out.append(byte)
            continue
        }
        guard index < body.endIndex else { return nil }
        let kind = body[index]
        index += 1
        if let plain = simpleEscapes[kind] {
            out.append(plain)
        } else if kind == UInt8(ascii: "x") {
            guard body.endIndex - index >= 2, let value = hexadecimal(body[index..<(index + 2)]) else { return nil }
            out.append(UInt8(truncatingIfNeeded: value))
            index += 2
        } else if (0x30...0x37).contains(kind) {
            var value = UInt32(kind - 0x30)
            let limit = min(index + 2, body.endIndex)
            while index < limit, (0x30...0x37).contains(body[index]) {
                value = value * 8 + UInt32(body[index] - 0x30)
                index += 1
            }
            out.append(UInt8(truncatingIfNeeded: value))
        } else {
            out += [byte, kind]
        }
    }
    return out
}

private let simpleEscapes: [UInt8: UInt8] = [
    UInt8(ascii: "\\"): 0x5C, UInt8(ascii: "'"): 0x27, UInt8(ascii: "\""): 0x22, UInt8(ascii: "a"): 0x07,
    UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0C, UInt8(ascii: "n"): 0x0A, UInt8(ascii: "r"): 0x0D,
    UInt8(ascii: "t"): 0x09, UInt8(ascii: "v"): 0x0B,
]

private func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt32? {
    var value: UInt32 = 0
    for digit in digits {
        guard let nibble = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
        value = value << 4 | UInt32(nibble)
    }
    return value
}

/// Appends a code point; a surrogate becomes the three bytes that `surrogatepass` would give it.
private func appendUTF8(_ scalar: UInt32, to out: inout [UInt8]) {
    func byte(_ value: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: value) }
    switch scalar {
    case ..<0x80:
        out.append(byte(scalar))
    case ..<0x800:
        out += [byte(0xC0 | scalar >> 6), byte(0x80 | scalar & 0x3F)]
    case ..<0x10000:
        out += [byte(0xE0 | scalar >> 12), byte(0x80 | scalar >> 6 & 0x3F), byte(0x80 | scalar & 0x3F)]
    default:
        out += [
            byte(0xF0 | scalar >> 18), byte(0x80 | scalar >> 12 & 0x3F), byte(0x80 | scalar >> 6 & 0x3F),
            byte(0x80 | scalar & 0x3F),
        ]
    }
}
