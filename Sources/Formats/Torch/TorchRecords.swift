/// The records below the top folder of a zip archive that PyTorch wrote (`formats.md` §2.1).
struct TorchRecords {
    let archive: ZipArchive
    let limits: Limits
    let allowMissingCRC: Bool
    /// The top folder's name, or nil for an archive without one.
    let root: [UInt8]?

    private static let slash = UInt8(ascii: "/")

    /// The record of this name below the top folder.
    /// - Throws: ``UD2MError`` with code `zip-unsafe-name` when the archive spells it as no plain path.
    func entry(_ name: some Sequence<UInt8>) throws -> ZipEntry? {
        guard let entry = archive.entry(named: fullName(name)) else { return nil }
        guard entry.hasPlainName else {
            throw UD2MError(
                .zipUnsafeName, "A record that is needed has a name that is no plain relative path.",
                at: .init(entry: entry.displayName, byteOffset: entry.headerOffset))
        }
        return entry
    }

    /// The record of this name below the top folder.
    func entry(_ name: String) throws -> ZipEntry? { try entry(name.utf8) }

    /// The names of all records, the top folder taken off, in the archive's order; folders left out.
    var names: [[UInt8]] {
        let prefix = fullName([])
        return archive.entries.filter { !$0.isDirectory && $0.name.starts(with: prefix) }.map {
            Array($0.name.dropFirst(prefix.count))
        }
    }

    /// A small record's bytes, its checksum verified.
    func contents(_ entry: ZipEntry, maximumBytes: Int) throws -> [UInt8] {
        try archive.contents(of: entry, maximumBytes: maximumBytes, allowMissingCRC: allowMissingCRC)
    }

    /// The bytes of a record that holds a pickle or JSON.
    func eagerContents(_ entry: ZipEntry) throws -> [UInt8] {
        try contents(entry, maximumBytes: min(limits.pickleBytes, limits.inflatedRecordBytes))
    }

    /// A JSON record's value.
    func json(_ entry: ZipEntry) throws -> JSONValue {
        try contents(entry, maximumBytes: limits.headerBytes).withUnsafeBytes {
            try JSONValue(parsing: $0, depth: limits.jsonDepth, at: .init(entry: entry.displayName))
        }
    }

    /// Whether storages are big-endian.
    /// - Throws: ``UD2MError`` with code `torch-version` when the record says something else than big or little.
    func isBigEndian() throws -> Bool {
        guard let entry = try entry("byteorder") else { return false }
        let text = try contents(entry, maximumBytes: 64)
        if text.elementsEqual("little".utf8) { return false }
        if text.elementsEqual("big".utf8) { return true }
        throw UD2MError(
            .torchVersion, "The archive's byte order is neither little nor big.", at: .init(entry: entry.displayName))
    }

    /// The storages in records whose names are `prefix`, the key and `suffix`.
    func storages(prefix: String, suffix: String = "") throws -> TorchRecordStorages {
        TorchRecordStorages(
            records: self, prefix: Array(prefix.utf8), suffix: Array(suffix.utf8), isBigEndian: try isBigEndian(),
            cache: InflatedRecordCache())
    }

    private func fullName(_ name: some Sequence<UInt8>) -> [UInt8] {
        guard let root else { return Array(name) }
        return root + [Self.slash] + Array(name)
    }
}

/// Storages that are one record each.
struct TorchRecordStorages: TorchStorageProvider {
    let records: TorchRecords
    let prefix: [UInt8]
    let suffix: [UInt8]
    let isBigEndian: Bool
    let cache: InflatedRecordCache

    func storage(key: [UInt8]) throws -> (any TensorStorage)? {
        // A package's keys already end as its records do.
        let name = prefix + (key.suffix(suffix.count).elementsEqual(suffix) ? key : key + suffix)
        guard let entry = try records.entry(name) else { return nil }
        return try storage(of: entry, key: key)
    }

    /// The storage a record is.
    func storage(of entry: ZipEntry, key: [UInt8]) throws -> any TensorStorage {
        if entry.method == .deflated { try records.archive.checkInflatedSize(of: entry) }
        return ZipRecordStorage(
            archive: records.archive, entry: entry, key: String(decoding: key, as: UTF8.self),
            isBigEndian: isBigEndian, allowMissingCRC: records.allowMissingCRC, cache: cache)
    }
}
