/// Writes zip archives of stored members whose payloads are aligned in the file, as `torch.save` does (`formats.md` §2.2).
///
/// All sizes are known before the first byte is written, so members stream to their places; the checksums are filled in
/// afterwards, and no data descriptors are needed. The same members always give the same bytes.
package struct ZipWriter {
    /// One file of the archive.
    package struct Member {
        /// Gives the payload in order, in pieces of any size.
        package typealias Content = (_ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Void

        /// The name, UTF-8.
        let name: [UInt8]
        /// Bytes of the payload.
        let byteCount: Int
        let content: Content

        /// Creates a member whose payload is streamed.
        package init(name: [UInt8], byteCount: Int, content: @escaping Content) {
            self.name = name
            self.byteCount = byteCount
            self.content = content
        }

        /// Creates a member from bytes in memory.
        package init(name: String, bytes: [UInt8]) {
            self.init(name: Array(name.utf8), byteCount: bytes.count) { body in try bytes.withUnsafeBytes(body) }
        }
    }

    /// Where a member goes.
    private struct Place {
        let headerOffset: Int
        let payloadOffset: Int
    }

    /// Payloads start at multiples of this many bytes.
    package static let alignment = 64
    /// From here on a size or an offset needs 64 bits.
    private static let limit32 = 0xFFFF_FFFF
    /// 1980-01-01, the first date that the format can hold: archives must not depend on the clock.
    private static let date: UInt16 = 0x0021
    /// The zip specification that readers must know: 4.5 has 64-bit sizes.
    private static let version: UInt16 = 45

    private let members: [Member]
    private var places: [Place] = []
    private var directoryOffset = 0

    /// Lays the archive out.
    /// - Throws: ``UD2MError`` with code `archive-member` for a name that readers refuse, a repeated name, or sizes beyond
    ///   any file.
    package init(_ members: [Member]) throws {
        self.members = members
        var names: Set<[UInt8]> = []
        var end = 0
        for member in members {
            let name = TensorName(bytes: member.name)
            func error(_ message: String, remedy: String? = nil) -> UD2MError {
                UD2MError(.archiveMember, message, at: .init(entry: name.text), remedy: remedy)
            }
            guard ZipEntry.isPlainName(member.name), name.isText, member.name.count <= Limits.standard.nameBytes
            else {
                throw error("An archive cannot hold a member of this name.", remedy: TensorName.refusedRemedy)
            }
            guard names.insert(member.name).inserted else { throw error("Two members have the same name.") }
            let before = end + 30 + member.name.count + Self.largeExtra(member.byteCount)
            // The padding is an extra field of its own, which takes four bytes at least.
            let payload = (before + 4 + Self.alignment - 1) / Self.alignment * Self.alignment
            let (next, overflow) = payload.addingReportingOverflow(member.byteCount)
            guard !overflow, next < 1 << 62 else { throw error("The members together are larger than any file.") }
            places.append(Place(headerOffset: end, payloadOffset: payload))
            end = next
        }
        directoryOffset = end
    }

    /// Bytes of the archive.
    package var fileSize: Int {
        zip(members, places).reduce(directoryOffset) { size, item in
            size + 46 + item.0.name.count + Self.directoryExtra(item.0, item.1).count
        } + 56 + 20 + 22
    }

    /// Streams the members into a file.
    /// - Throws: ``UD2MError`` with code `store-tensor-bytes` when a member gives more or fewer bytes than announced, or
    ///   what reading and writing throw.
    package func write(to file: AtomicFile, progress: (_ bytes: Int) throws -> Void = { _ in }) throws {
        var directory: [UInt8] = []
        for (member, place) in zip(members, places) {
            var checksum = CRC32()
            var done = 0
            try member.content { bytes in
                guard bytes.count <= member.byteCount - done else { throw mismatch(member) }
                checksum.update(bytes)
                try file.write(bytes, at: place.payloadOffset + done)
                done += bytes.count
                try progress(bytes.count)
            }
            guard done == member.byteCount else { throw mismatch(member) }
            let header = Self.localHeader(member, place, checksum.value)
            try header.withUnsafeBytes { try file.write($0, at: place.headerOffset) }
            Self.appendDirectoryEntry(member, place, checksum.value, to: &directory)
        }
        let directorySize = directory.count
        appendEnd(directorySize: directorySize, to: &directory)
        try directory.withUnsafeBytes { try file.write($0, at: directoryOffset) }
    }

    private func mismatch(_ member: Member) -> UD2MError {
        UD2MError(
            .storeTensorBytes, "The member was to have \(member.byteCount) bytes.",
            at: .init(entry: String(decoding: member.name, as: UTF8.self)))
    }

    // MARK: Records

    /// Bytes of the local zip64 field, which holds both sizes.
    private static func largeExtra(_ byteCount: Int) -> Int { byteCount >= limit32 ? 20 : 0 }

    private static func size32(_ value: Int) -> UInt32 { UInt32(min(value, limit32)) }

    private static func localHeader(_ member: Member, _ place: Place, _ checksum: UInt32) -> [UInt8] {
        let start = place.headerOffset + 30 + member.name.count
        var header: [UInt8] = []
        header.appendLittleEndian(0x0403_4B50 as UInt32)
        appendCommon(member, checksum, to: &header)
        header.appendLittleEndian(UInt16(place.payloadOffset - start))
        header += member.name
        if largeExtra(member.byteCount) > 0 {
            header.appendLittleEndian(0x0001 as UInt16)
            header.appendLittleEndian(16 as UInt16)
            header.appendLittleEndian(UInt64(member.byteCount))
            header.appendLittleEndian(UInt64(member.byteCount))
        }
        // PyTorch's own padding field, so that its tools know it for what it is.
        let padding = place.payloadOffset - place.headerOffset - header.count - 4
        header += Array("FB".utf8)
        header.appendLittleEndian(UInt16(padding))
        header += repeatElement(UInt8(ascii: "Z"), count: padding)
        return header
    }

    /// The fields that both headers share, from the needed version to the name's length.
    private static func appendCommon(_ member: Member, _ checksum: UInt32, to out: inout [UInt8]) {
        out.appendLittleEndian(version)
        // Names are UTF-8.
        out.appendLittleEndian(0x0800 as UInt16)
        out.appendLittleEndian(ZipEntry.Method.stored.rawValue)
        out.appendLittleEndian(0 as UInt16)
        out.appendLittleEndian(date)
        out.appendLittleEndian(checksum)
        out.appendLittleEndian(size32(member.byteCount))
        out.appendLittleEndian(size32(member.byteCount))
        out.appendLittleEndian(UInt16(member.name.count))
    }

    /// The zip64 field of a directory entry: only what does not fit its 32-bit field, in fixed order.
    private static func directoryExtra(_ member: Member, _ place: Place) -> [UInt8] {
        var fields: [UInt8] = []
        if member.byteCount >= limit32 {
            fields.appendLittleEndian(UInt64(member.byteCount))
            fields.appendLittleEndian(UInt64(member.byteCount))
        }
        if place.headerOffset >= limit32 { fields.appendLittleEndian(UInt64(place.headerOffset)) }
        guard !fields.isEmpty else { return [] }
        var extra: [UInt8] = []
        extra.appendLittleEndian(0x0001 as UInt16)
        extra.appendLittleEndian(UInt16(fields.count))
        return extra + fields
    }

    private static func appendDirectoryEntry(
        _ member: Member, _ place: Place, _ checksum: UInt32, to out: inout [UInt8]
    ) {
        let extra = directoryExtra(member, place)
        out.appendLittleEndian(0x0201_4B50 as UInt32)
        out.appendLittleEndian(version)
        appendCommon(member, checksum, to: &out)
        out.appendLittleEndian(UInt16(extra.count))
        // No comment, disk 0, no attributes.
        out += repeatElement(0, count: 10)
        out.appendLittleEndian(size32(place.headerOffset))
        out += member.name
        out += extra
    }

    /// Both end records: PyTorch always writes the 64-bit one, and so do we.
    private func appendEnd(directorySize: Int, to out: inout [UInt8]) {
        let count = members.count
        out.appendLittleEndian(0x0606_4B50 as UInt32)
        out.appendLittleEndian(44 as UInt64)
        out.appendLittleEndian(Self.version)
        out.appendLittleEndian(Self.version)
        out.appendLittleEndian(0 as UInt64)
        out.appendLittleEndian(UInt64(count))
        out.appendLittleEndian(UInt64(count))
        out.appendLittleEndian(UInt64(directorySize))
        out.appendLittleEndian(UInt64(directoryOffset))

        out.appendLittleEndian(0x0706_4B50 as UInt32)
        out.appendLittleEndian(0 as UInt32)
        out.appendLittleEndian(UInt64(directoryOffset + directorySize))
        out.appendLittleEndian(1 as UInt32)

        out.appendLittleEndian(0x0605_4B50 as UInt32)
        out.appendLittleEndian(0 as UInt32)
        out.appendLittleEndian(UInt16(min(count, 0xFFFF)))
        out.appendLittleEndian(UInt16(min(count, 0xFFFF)))
        out.appendLittleEndian(Self.size32(directorySize))
        out.appendLittleEndian(Self.size32(directoryOffset))
        out.appendLittleEndian(0 as UInt16)
    }
}

extension UD2MError.Code {
    /// An archive cannot hold a member: its name, or a second one of the same name.
    public static let archiveMember = Self("archive-member", .badData)
}
