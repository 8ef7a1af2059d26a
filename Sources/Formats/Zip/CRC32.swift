import CDeflate

/// An incremental CRC-32, as zip and gzip use it.
///
/// libdeflate's, because it multiplies without carry: several times as fast as zlib's, which would take a fifth of a
/// conversion.
package struct CRC32: Sendable {
    /// The checksum of the bytes so far.
    package private(set) var value: UInt32 = 0

    /// Starts a checksum.
    package init() {}

    /// Adds bytes.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        // Without an address it would start anew.
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
        value = libdeflate_crc32(value, start, bytes.count)
    }
}

/// The CRC-32 of bytes that are all here.
package func crc32Checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var checksum = CRC32()
    checksum.update(bytes)
    return checksum.value
}
