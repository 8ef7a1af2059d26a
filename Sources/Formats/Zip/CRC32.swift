import CZlib

/// An incremental CRC-32, as zip and gzip use it.
package struct CRC32: Sendable {
    /// The checksum of the bytes so far.
    package private(set) var value: UInt32 = 0

    /// Starts a checksum.
    package init() {}

    /// Adds bytes.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        // zlib counts in 32 bits, so a storage beyond 4 GiB goes in pieces.
        let piece = 1 << 30
        var checksum = uLong(value)
        var start = 0
        while start < bytes.count {
            let end = min(start + piece, bytes.count)
            let part = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            checksum = crc32(checksum, part.bindMemory(to: UInt8.self).baseAddress, uInt(part.count))
            start = end
        }
        value = UInt32(truncatingIfNeeded: checksum)
    }
}

/// The CRC-32 of bytes that are all here.
package func crc32Checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var checksum = CRC32()
    checksum.update(bytes)
    return checksum.value
}
