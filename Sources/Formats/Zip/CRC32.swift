import CZlib

/// The CRC-32 of bytes, as zip and gzip use it.
package func crc32Checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    // zlib counts in 32 bits, so a storage beyond 4 GiB goes in pieces.
    let piece = 1 << 30
    var checksum: uLong = 0
    var start = 0
    while start < bytes.count {
        let end = min(start + piece, bytes.count)
        let part = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        checksum = crc32(checksum, part.bindMemory(to: UInt8.self).baseAddress, uInt(part.count))
        start = end
    }
    return UInt32(truncatingIfNeeded: checksum)
}
