/// One entry of a zip archive, as the central directory and the local header agree on it.
package struct ZipEntry: Sendable {
    /// How the payload is stored.
    package enum Method: UInt16, Sendable {
        /// As it is.
        case stored = 0
        /// Raw deflate.
        case deflated = 8
    }

    /// The name's bytes.
    package let name: [UInt8]
    /// How the payload is stored.
    package let method: Method
    /// The checksum of the uncompressed bytes.
    package let crc32: UInt32
    /// Bytes of the payload in the file.
    package let compressedSize: Int
    /// Bytes of the record.
    package let size: Int
    /// Where the local header starts in the file.
    package let headerOffset: Int
    /// Where the payload starts in the file; known once the local header is read.
    package internal(set) var payloadOffset: Int
    /// Where the payload's descriptor ends, or the payload where there is none.
    package internal(set) var endOffset: Int
    /// General-purpose flags.
    let flags: UInt16

    /// The payload's bytes in the file.
    package var payloadRange: Range<Int> { payloadOffset..<(payloadOffset + compressedSize) }

    /// The name for messages.
    package var displayName: String { String(decoding: name, as: UTF8.self) }

    /// Whether this is a folder: an empty entry whose name ends in a slash.
    package var isDirectory: Bool { name.last == UInt8(ascii: "/") && size == 0 }

    /// Whether the writer has most likely recorded no checksum: zero stands for none, and is one in four billion by
    /// chance.
    package var lacksChecksum: Bool { crc32 == 0 && size > 0 }

    /// Whether the payload is followed by a data descriptor.
    var hasDescriptor: Bool { flags & 0x0008 != 0 }

    /// Whether the name is a relative path that stays below its root on every system (`formats.md` §2.3 rule 5).
    package var hasPlainName: Bool { Self.isPlainName(name) }

    /// Whether a name is a relative path that stays below its root on every system.
    static func isPlainName(_ name: [UInt8]) -> Bool {
        if name.isEmpty || name.contains(0) || name.contains(UInt8(ascii: "\\")) { return false }
        if name[0] == UInt8(ascii: "/") { return false }
        if name.count >= 2, name[1] == UInt8(ascii: ":"), name[0] | 0x20 >= UInt8(ascii: "a"),
            name[0] | 0x20 <= UInt8(ascii: "z")
        {
            return false
        }
        return !name.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .contains { $0.elementsEqual("..".utf8) }
    }
}
