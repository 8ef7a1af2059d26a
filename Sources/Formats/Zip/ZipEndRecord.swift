/// Where a zip archive's central directory is (`formats.md` §2.3 rules 1–3).
struct ZipEndRecord {
    /// The central directory's first byte.
    let directoryOffset: Int
    /// Bytes of the central directory.
    let directorySize: Int
    /// Headers in the central directory.
    let entryCount: Int

    private static let fixedSize = 22
    private static let locatorSize = 20
    private static let record64Size = 56

    /// Finds and cross-checks the end records of an archive that is the whole of `bytes`.
    /// - Throws: ``UD2MError`` with a `zip-…` code.
    init(_ bytes: UnsafeRawBufferPointer) throws {
        let end = try Self.find(in: bytes)
        guard let disk = bytes.littleEndian(UInt16.self, at: end + 4),
            let directoryDisk = bytes.littleEndian(UInt16.self, at: end + 6),
            let diskEntries = bytes.littleEndian(UInt16.self, at: end + 8),
            let entries = bytes.littleEndian(UInt16.self, at: end + 10),
            let size = bytes.littleEndian(UInt32.self, at: end + 12),
            let offset = bytes.littleEndian(UInt32.self, at: end + 16)
        else { throw Self.inconsistent("The end record is cut short.", at: end) }

        var wide = Wide(
            disk: UInt32(disk), directoryDisk: UInt32(directoryDisk), diskEntries: UInt64(diskEntries),
            entries: UInt64(entries), size: UInt64(size), offset: UInt64(offset))
        var directoryEnd = end
        let locator = end - Self.locatorSize
        if bytes.hasBytes([0x50, 0x4B, 0x06, 0x07], at: locator) {
            let (record, position) = try Self.readWide(bytes, locator: locator)
            let classic = wide
            guard classic.disk == 0xFFFF || classic.disk == record.disk,
                classic.directoryDisk == 0xFFFF || classic.directoryDisk == record.directoryDisk,
                classic.diskEntries == 0xFFFF || classic.diskEntries == record.diskEntries,
                classic.entries == 0xFFFF || classic.entries == record.entries,
                classic.size == 0xFFFF_FFFF || classic.size == record.size,
                classic.offset == 0xFFFF_FFFF || classic.offset == record.offset
            else { throw Self.inconsistent("The two end records disagree.", at: position) }
            wide = record
            directoryEnd = position
        }
        guard wide.disk == 0, wide.directoryDisk == 0, wide.diskEntries == wide.entries else {
            throw UD2MError(
                .zipMultiDisk, "The archive is one part of a multi-part archive.", at: .init(byteOffset: end),
                remedy: "Join the parts first.")
        }
        guard let directoryOffset = Int(exactly: wide.offset), let directorySize = Int(exactly: wide.size),
            let entryCount = Int(exactly: wide.entries), directoryOffset <= directoryEnd,
            directorySize == directoryEnd - directoryOffset
        else {
            throw Self.inconsistent("The central directory does not end where the end record starts.", at: end)
        }
        self.directoryOffset = directoryOffset
        self.directorySize = directorySize
        self.entryCount = entryCount
    }

    private struct Wide {
        var disk: UInt32
        var directoryDisk: UInt32
        var diskEntries: UInt64
        var entries: UInt64
        var size: UInt64
        var offset: UInt64
    }

    private static func find(in bytes: UnsafeRawBufferPointer) throws -> Int {
        guard bytes.count >= fixedSize else { throw missing(bytes.count) }
        var found: Int?
        var position = bytes.count - fixedSize
        let lowest = max(0, bytes.count - fixedSize - Int(UInt16.max))
        while position >= lowest {
            if bytes[position] == 0x50, bytes.hasBytes([0x50, 0x4B, 0x05, 0x06], at: position),
                let comment = bytes.littleEndian(UInt16.self, at: position + 20),
                position + fixedSize + Int(comment) == bytes.count
            {
                guard found == nil else {
                    throw UD2MError(
                        .zipEndAmbiguous, "Two end records both reach the end of the file.",
                        at: .init(byteOffset: position))
                }
                found = position
            }
            position -= 1
        }
        guard let found else { throw missing(bytes.count) }
        return found
    }

    private static func readWide(_ bytes: UnsafeRawBufferPointer, locator: Int) throws -> (Wide, Int) {
        guard let recordDisk = bytes.littleEndian(UInt32.self, at: locator + 4),
            let recordOffset = bytes.littleEndian(UInt64.self, at: locator + 8),
            let disks = bytes.littleEndian(UInt32.self, at: locator + 16), recordDisk == 0, disks <= 1,
            let position = Int(exactly: recordOffset), position <= locator - record64Size,
            bytes.hasBytes([0x50, 0x4B, 0x06, 0x06], at: position),
            let rest = bytes.littleEndian(UInt64.self, at: position + 4), rest == UInt64(locator - position - 12),
            let disk = bytes.littleEndian(UInt32.self, at: position + 16),
            let directoryDisk = bytes.littleEndian(UInt32.self, at: position + 20),
            let diskEntries = bytes.littleEndian(UInt64.self, at: position + 24),
            let entries = bytes.littleEndian(UInt64.self, at: position + 32),
            let size = bytes.littleEndian(UInt64.self, at: position + 40),
            let offset = bytes.littleEndian(UInt64.self, at: position + 48)
        else { throw inconsistent("The zip64 locator does not lead to a zip64 end record.", at: locator) }
        let wide = Wide(
            disk: disk, directoryDisk: directoryDisk, diskEntries: diskEntries, entries: entries, size: size,
            offset: offset)
        return (wide, position)
    }

    private static func missing(_ count: Int) -> UD2MError {
        UD2MError(
            .zipEndMissing, "The file starts like a zip archive but has no end record that reaches its last byte.",
            at: .init(byteOffset: count), remedy: "The download is probably incomplete: fetch the file again.")
    }

    private static func inconsistent(_ message: String, at offset: Int) -> UD2MError {
        UD2MError(.zipEndInconsistent, message, at: .init(byteOffset: offset))
    }
}
