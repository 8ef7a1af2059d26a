/// Reads the central directory into entries whose local headers are still unread (`formats.md` §2.3 rules 3 and 5).
struct ZipDirectory {
    private let bytes: UnsafeRawBufferPointer
    private let end: ZipEndRecord
    private let limits: Limits

    private static let fixedSize = 46

    init(_ bytes: UnsafeRawBufferPointer, end: ZipEndRecord, limits: Limits) {
        self.bytes = bytes
        self.end = end
        self.limits = limits
    }

    /// Reads exactly as many headers as the end record promises, from exactly as many bytes.
    func entries() throws -> [ZipEntry] {
        let limit = end.directoryOffset + end.directorySize
        guard end.entryCount <= limits.archiveEntries, end.directorySize <= limits.archiveDirectoryBytes else {
            throw UD2MError(
                .zipLimit, "The archive has \(end.entryCount) entries in a directory of \(end.directorySize) bytes.",
                at: .init(byteOffset: end.directoryOffset))
        }
        // A count that cannot fit is refused before anything is reserved for it.
        guard end.entryCount <= end.directorySize / Self.fixedSize else {
            throw malformed("The directory is too small for \(end.entryCount) entries.", at: end.directoryOffset)
        }
        var entries: [ZipEntry] = []
        entries.reserveCapacity(end.entryCount)
        var position = end.directoryOffset
        for _ in 0..<end.entryCount {
            let (entry, next) = try entry(at: position, limit: limit)
            entries.append(entry)
            position = next
        }
        guard position == limit else {
            throw malformed("The directory goes on after its last entry.", at: position)
        }
        return entries
    }

    private func entry(at position: Int, limit: Int) throws -> (ZipEntry, Int) {
        guard position <= limit - Self.fixedSize, bytes.hasBytes([0x50, 0x4B, 0x01, 0x02], at: position),
            let flags = bytes.littleEndian(UInt16.self, at: position + 8),
            let method = bytes.littleEndian(UInt16.self, at: position + 10),
            let crc32 = bytes.littleEndian(UInt32.self, at: position + 16),
            let compressed32 = bytes.littleEndian(UInt32.self, at: position + 20),
            let size32 = bytes.littleEndian(UInt32.self, at: position + 24),
            let nameCount = bytes.littleEndian(UInt16.self, at: position + 28),
            let extraCount = bytes.littleEndian(UInt16.self, at: position + 30),
            let commentCount = bytes.littleEndian(UInt16.self, at: position + 32),
            let disk = bytes.littleEndian(UInt16.self, at: position + 34),
            let offset32 = bytes.littleEndian(UInt32.self, at: position + 42)
        else { throw malformed("An entry's header is malformed or cut short.", at: position) }
        let nameStart = position + Self.fixedSize
        let extraStart = nameStart + Int(nameCount)
        let next = extraStart + Int(extraCount) + Int(commentCount)
        guard next <= limit, let nameBytes = bytes.slice(nameStart..<extraStart),
            let extra = bytes.slice(extraStart..<(extraStart + Int(extraCount)))
        else { throw malformed("An entry's header runs past the end of the directory.", at: position) }
        let name = Array(nameBytes)
        let location = UD2MError.Location(entry: String(decoding: name, as: UTF8.self), byteOffset: position)
        guard name.count <= limits.nameBytes else {
            throw UD2MError(.zipLimit, "A name has \(name.count) bytes.", at: .init(byteOffset: position))
        }
        guard flags & 0x2041 == 0 else {
            throw UD2MError(
                .zipEncrypted, "The entry is encrypted.", at: location, remedy: "Decrypt the archive first.")
        }
        guard let method = ZipEntry.Method(rawValue: method) else {
            throw UD2MError(
                .zipMethodUnsupported, "The entry uses compression method \(method); only 0 and 8 are read.",
                at: location, remedy: "Re-create the archive with stored or deflated entries.")
        }
        var wide = Zip64Extra(extra)
        let size = size32 == .max ? wide.next() : UInt64(size32)
        let compressed = compressed32 == .max ? wide.next() : UInt64(compressed32)
        let offset = offset32 == .max ? wide.next() : UInt64(offset32)
        let diskNumber = disk == .max ? wide.nextDisk() : UInt32(disk)
        guard let size, let compressed, let offset, let diskNumber, let sizeInt = Int(exactly: size),
            let compressedInt = Int(exactly: compressed), let offsetInt = Int(exactly: offset)
        else { throw malformed("An entry's zip64 field is missing, short or absurd.", at: position) }
        guard diskNumber == 0 else {
            throw UD2MError(.zipMultiDisk, "The entry is in another part of the archive.", at: location)
        }
        guard method == .deflated || sizeInt == compressedInt else {
            throw UD2MError(
                .zipHeaderMismatch, "A stored entry claims \(sizeInt) bytes but takes \(compressedInt).",
                at: location)
        }
        guard offsetInt < end.directoryOffset, compressedInt <= end.directoryOffset else {
            throw UD2MError(
                .zipEntryOutside, "The entry does not lie before the central directory.", at: location)
        }
        let entry = ZipEntry(
            name: name, method: method, crc32: crc32, compressedSize: compressedInt, size: sizeInt,
            headerOffset: offsetInt, payloadOffset: offsetInt, endOffset: offsetInt, flags: flags)
        return (entry, next)
    }

    private func malformed(_ message: String, at offset: Int) -> UD2MError {
        UD2MError(.zipDirectoryMalformed, message, at: .init(byteOffset: offset))
    }
}

/// The values of a zip64 extra field, which holds only those whose 32-bit field is all ones, in a fixed order.
struct Zip64Extra {
    private var field: UnsafeRawBufferPointer?
    private var position = 0

    init(_ extra: UnsafeRawBufferPointer) {
        var position = 0
        while let id = extra.littleEndian(UInt16.self, at: position),
            let count = extra.littleEndian(UInt16.self, at: position + 2)
        {
            let start = position + 4
            if id == 0x0001 {
                field = extra.slice(start..<(start + Int(count)))
                return
            }
            position = start + Int(count)
        }
    }

    mutating func next() -> UInt64? {
        defer { position += 8 }
        return field?.littleEndian(UInt64.self, at: position)
    }

    mutating func nextDisk() -> UInt32? {
        defer { position += 4 }
        return field?.littleEndian(UInt32.self, at: position)
    }
}
