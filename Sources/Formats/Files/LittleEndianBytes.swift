extension UnsafeRawBufferPointer {
    /// The little-endian integer at `offset`, which need not be aligned, or nil when it is not wholly inside.
    package func littleEndian<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value? {
        guard offset >= 0, offset <= count - MemoryLayout<Value>.size else { return nil }
        return Value(littleEndian: loadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    /// The bytes of `range`, or nil when it is not wholly inside.
    package func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer? {
        guard range.lowerBound >= 0, range.upperBound <= count else { return nil }
        return UnsafeRawBufferPointer(rebasing: self[range])
    }

    /// Whether `pattern` starts at `offset`.
    package func hasBytes(_ pattern: some Collection<UInt8>, at offset: Int) -> Bool {
        guard offset >= 0, offset <= count, pattern.count <= count - offset else { return false }
        return self[offset...].starts(with: pattern)
    }
}
