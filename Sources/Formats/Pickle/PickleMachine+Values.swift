extension PickleMachine {
    /// LONG1 and LONG4: two's complement, little-endian; empty is zero.
    mutating func long(byteCount: Int) throws {
        guard byteCount <= limits.pickleLongBytes else {
            throw fail(.pickleLimit, "An integer has \(byteCount) bytes; the limit is \(limits.pickleLongBytes).")
        }
        let slice = try readSlice(byteCount)
        let bytes = graph.bytes(slice)
        guard bytes.count <= 8 else { return try push(.bigInteger(slice)) }
        let isNegative = bytes.last.map { $0 & 0x80 != 0 } ?? false
        var value: UInt64 = isNegative ? .max : 0
        for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
        try push(.integer(Int64(bitPattern: value)))
    }

    /// INT: a decimal line; `00` and `01` are booleans.
    mutating func intLine() throws {
        let start = cursor
        let line = try readLine()
        if line.elementsEqual("00".utf8) { return stack.append(.newFalse) }
        if line.elementsEqual("01".utf8) { return stack.append(.newTrue) }
        try pushDecimal(line, start: start)
    }

    /// LONG: a decimal line that may end in `L`.
    mutating func longLine() throws {
        let start = cursor
        var line = try readLine()
        if line.last == UInt8(ascii: "L") { line.removeLast() }
        try pushDecimal(line, start: start)
    }

    private mutating func pushDecimal(_ line: ArraySlice<UInt8>, start: Int) throws {
        guard line.count <= limits.pickleLongBytes else {
            throw fail(.pickleLimit, "An integer has \(line.count) digits.")
        }
        let digits = line.first == UInt8(ascii: "-") || line.first == UInt8(ascii: "+") ? line.dropFirst() : line
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw fail(.pickleMalformedValue, "An integer is not written in decimal digits.")
        }
        if let value = Int64(String(decoding: line, as: UTF8.self)) {
            try push(.integer(value))
        } else {
            try push(.bigInteger(PickleSlice(start: UInt32(start), count: UInt32(line.count))))
        }
    }

    /// BINFLOAT: big-endian, the only big-endian number of a pickle.
    mutating func binFloat() throws {
        try push(.float(Double(bitPattern: readInteger(UInt64.self).byteSwapped)))
    }

    /// FLOAT: a line of text.
    mutating func floatLine() throws {
        let line = try readLine()
        guard line.count <= limits.pickleLongBytes, let value = Double(String(decoding: line, as: UTF8.self)) else {
            throw fail(.pickleMalformedValue, "A floating-point line is not a number.")
        }
        try push(.float(value))
    }

    /// BINUNICODE and kin.
    mutating func text(byteCount: Int) throws {
        let slice = try readSlice(byteCount)
        guard isSurrogatePassUTF8(graph.bytes(slice)) else {
            throw fail(.pickleMalformedValue, "Text is not valid UTF-8.")
        }
        try push(.text(slice))
    }

    /// UNICODE: a raw-unicode-escape line.
    mutating func unicodeLine() throws {
        guard let decoded = decodeRawUnicodeEscape(try readLine()) else {
            throw fail(.pickleMalformedValue, "A text line has a malformed \\u escape.")
        }
        try push(.text(keep(decoded)))
    }

    /// STRING: a quoted Python-2 literal.
    mutating func stringLine() throws {
        guard let decoded = decodeQuotedString(try readLine()) else {
            throw fail(.pickleMalformedValue, "A string line is not a quoted literal.")
        }
        try push(.byteString(keep(decoded)))
    }

    /// Moves decoded bytes into the pool, within the limit on payload bytes.
    mutating func keep(_ decoded: [UInt8]) throws -> PickleSlice {
        let start = graph.pool.count
        let allowed = streamEnd.multipliedOrMaximum(limits.picklePayloadFactor)
        guard start - streamEnd + decoded.count <= allowed else {
            throw fail(.pickleLimit, "Decoded text takes more than \(allowed) bytes.")
        }
        graph.pool.append(contentsOf: decoded)
        return PickleSlice(start: UInt32(start), count: UInt32(decoded.count))
    }
}
