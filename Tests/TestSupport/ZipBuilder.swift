import UD2MFormats

/// Writes zip archives byte by byte, with every field open to lies.
public struct ZipBuilder: Sendable {
    /// One entry and the lies about it.
    public struct Entry: Sendable {
        /// The name in the central directory.
        public var name: [UInt8]
        /// The record's bytes.
        public var data: [UInt8]
        /// The payload, when it is not the record's bytes as they are (method 0) or in deflate blocks (method 8).
        public var payload: [UInt8]?
        /// 0 stored, 8 deflated.
        public var method: UInt16 = 0
        /// General-purpose flags of both headers.
        public var flags: UInt16 = 0x0800
        /// The checksum, when it is not the right one.
        public var crc: UInt32?
        /// The local header's name, when it differs.
        public var localName: [UInt8]?
        /// The local header's method, when it differs.
        public var localMethod: UInt16?
        /// The size both headers declare, when it is not the record's.
        public var declaredSize: Int?
        /// The compressed size the central header declares, when it is not the payload's.
        public var declaredCompressedSize: Int?
        /// The local header's offset in the central header, when it is not the true one.
        public var declaredOffset: Int?
        /// Whether sizes follow the payload in a descriptor and the local header holds zeros.
        public var hasDescriptor = false
        /// Whether the descriptor has 64-bit sizes.
        public var hasWideDescriptor = false
        /// Whether the descriptor starts with its signature.
        public var hasDescriptorSignature = true
        /// The descriptor's checksum, when it is not the right one.
        public var descriptorCRC: UInt32?
        /// Whether sizes are in zip64 fields of both headers.
        public var isZip64 = false
        /// Padding in the local header's extra field.
        public var padding = 0

        /// Creates an honest stored entry.
        public init(_ name: String, _ data: [UInt8]) {
            self.name = Array(name.utf8)
            self.data = data
        }
    }

    /// The entries in order.
    public var entries: [Entry]
    /// Entries after those that the central directory does not mention.
    public var hiddenEntries: [Entry] = []
    /// Bytes before the first entry.
    public var prefix: [UInt8] = []
    /// Bytes after the end record, counted as its comment.
    public var comment: [UInt8] = []
    /// Whether the zip64 end record and its locator are written, as PyTorch does.
    public var hasZip64End = false
    /// The entry count of the end record, when it is not the true one.
    public var declaredCount: Int?
    /// Added to the directory's size in the end record.
    public var directorySizeError = 0

    /// Creates a builder.
    public init(_ entries: [Entry]) {
        self.entries = entries
    }

    /// The archive.
    public func build() -> [UInt8] {
        var out = prefix
        var central: [UInt8] = []
        for entry in entries {
            let offset = out.count
            out += localPart(entry)
            central += centralHeader(entry, offset: offset)
        }
        for entry in hiddenEntries { out += localPart(entry) }
        let directoryOffset = out.count
        out += central
        let count = declaredCount ?? entries.count
        let size = central.count + directorySizeError
        if hasZip64End {
            let position = out.count
            out += le(UInt32(0x0606_4B50)) + le(UInt64(44)) + le(UInt16(45)) + le(UInt16(45)) + le(UInt32(0))
            out += le(UInt32(0)) + le(UInt64(count)) + le(UInt64(count)) + le(UInt64(size))
            out += le(UInt64(directoryOffset))
            out += le(UInt32(0x0706_4B50)) + le(UInt32(0)) + le(UInt64(position)) + le(UInt32(1))
        }
        out +=
            le(UInt32(0x0605_4B50)) + le(UInt16(0)) + le(UInt16(0)) + le(UInt16(clamping: count))
            + le(UInt16(clamping: count))
        out += le(UInt32(size)) + le(UInt32(directoryOffset)) + le(UInt16(comment.count)) + comment
        return out
    }

    /// Deflate data of stored blocks only: valid, and easily written.
    public static func deflateStored(_ data: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var start = 0
        repeat {
            let end = min(start + 65_535, data.count)
            let count = UInt16(end - start)
            out.append(end == data.count ? 1 : 0)
            out += le(count) + le(~count) + data[start..<end]
            start = end
        } while start < data.count
        return out
    }

    private func localPart(_ entry: Entry) -> [UInt8] {
        let payload = Self.payload(entry)
        let name = entry.localName ?? entry.name
        let crc = Self.crc(entry)
        let size = entry.declaredSize ?? entry.data.count
        var extra: [UInt8] = []
        if entry.isZip64 { extra += le(UInt16(1)) + le(UInt16(16)) + le(UInt64(size)) + le(UInt64(payload.count)) }
        if entry.padding > 0 {
            extra += le(UInt16(0x4246)) + le(UInt16(entry.padding)) + [UInt8](repeating: 0x5A, count: entry.padding)
        }
        var out = le(UInt32(0x0403_4B50)) + le(UInt16(0)) + le(flags(entry))
        out += le(entry.localMethod ?? entry.method) + le(UInt32(0))
        if entry.hasDescriptor {
            out += le(UInt32(0)) + le(UInt32(0)) + le(UInt32(0))
        } else if entry.isZip64 {
            out += le(crc) + le(UInt32.max) + le(UInt32.max)
        } else {
            out += le(crc) + le(UInt32(payload.count)) + le(UInt32(size))
        }
        out += le(UInt16(name.count)) + le(UInt16(extra.count)) + name + extra + payload
        guard entry.hasDescriptor else { return out }
        if entry.hasDescriptorSignature { out += le(UInt32(0x0807_4B50)) }
        out += le(entry.descriptorCRC ?? crc)
        if entry.hasWideDescriptor {
            return out + le(UInt64(payload.count)) + le(UInt64(size))
        }
        return out + le(UInt32(payload.count)) + le(UInt32(size))
    }

    private func centralHeader(_ entry: Entry, offset: Int) -> [UInt8] {
        let payload = Self.payload(entry)
        let size = entry.declaredSize ?? entry.data.count
        let compressed = entry.declaredCompressedSize ?? payload.count
        let offset = entry.declaredOffset ?? offset
        var out = le(UInt32(0x0201_4B50)) + le(UInt16(0)) + le(UInt16(0)) + le(flags(entry)) + le(entry.method)
        out += le(UInt32(0)) + le(Self.crc(entry))
        var extra: [UInt8] = []
        if entry.isZip64 {
            extra = le(UInt16(1)) + le(UInt16(24)) + le(UInt64(size)) + le(UInt64(compressed)) + le(UInt64(offset))
            out += le(UInt32.max) + le(UInt32.max)
        } else {
            out += le(UInt32(compressed)) + le(UInt32(size))
        }
        out += le(UInt16(entry.name.count)) + le(UInt16(extra.count)) + le(UInt16(0)) + le(UInt16(0)) + le(UInt16(0))
        out += le(UInt32(0)) + le(entry.isZip64 ? UInt32.max : UInt32(offset))
        return out + entry.name + extra
    }

    private func flags(_ entry: Entry) -> UInt16 { entry.flags | (entry.hasDescriptor ? 0x0008 : 0) }

    private static func payload(_ entry: Entry) -> [UInt8] {
        entry.payload ?? (entry.method == 8 ? deflateStored(entry.data) : entry.data)
    }

    private static func crc(_ entry: Entry) -> UInt32 {
        entry.crc ?? entry.data.withUnsafeBytes { crc32Checksum($0) }
    }
}

/// The little-endian bytes of an integer.
private func le<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
