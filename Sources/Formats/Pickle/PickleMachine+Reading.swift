extension PickleMachine {
    /// The next byte.
    mutating func readByte() throws -> UInt8 {
        guard cursor < streamEnd else { throw truncated(1) }
        defer { cursor += 1 }
        return graph.pool[cursor]
    }

    /// The next little-endian integer.
    mutating func readInteger<Value: FixedWidthInteger>(_ type: Value.Type) throws -> Value {
        let size = MemoryLayout<Value>.size
        guard size <= streamEnd - cursor else { throw truncated(size) }
        defer { cursor += size }
        return graph.pool.withUnsafeBytes {
            Value(littleEndian: $0.loadUnaligned(fromByteOffset: cursor, as: Value.self))
        }
    }

    /// A 64-bit count, checked against the bytes left.
    mutating func readCount64() throws -> Int {
        let count = try readInteger(UInt64.self)
        guard let count = Int(exactly: count) else { throw truncated(.max) }
        return count
    }

    /// The next `count` bytes, compared with what is left before anything is made of them.
    mutating func readSlice(_ count: Int) throws -> PickleSlice {
        guard count >= 0 else { throw fail(.pickleMalformedValue, "A length is negative.") }
        guard count <= streamEnd - cursor else { throw truncated(count) }
        defer { cursor += count }
        return PickleSlice(start: UInt32(cursor), count: UInt32(count))
    }

    /// The bytes up to the next line feed, which is skipped.
    mutating func readLine() throws -> ArraySlice<UInt8> {
        guard let end = graph.pool[cursor..<streamEnd].firstIndex(of: 0x0A) else {
            throw truncated(streamEnd - cursor + 1)
        }
        defer { cursor = end + 1 }
        return graph.pool[cursor..<end]
    }

    /// A memo id written as a line of decimal digits.
    mutating func readMemoLine() throws -> UInt32 {
        let line = try readLine()
        guard line.count <= 10, line.allSatisfy({ (0x30...0x39).contains($0) }),
            let id = UInt32(String(decoding: line, as: UTF8.self))
        else { throw fail(.pickleMalformedValue, "A memo id is not a number below 2³².") }
        return id
    }

    private func truncated(_ needed: Int) -> UD2MError {
        fail(.pickleTruncated, "The pickle ends at byte \(streamEnd); this opcode needs \(needed) more.")
    }
}
