import Synchronization

/// A storage held by one record of a zip archive: the file's own bytes where it is stored, inflated on demand where it is
/// deflated; its checksum is verified once, when its bytes are first given (`formats.md` §2.3 rules 8 and 9).
package final class ZipRecordStorage: TensorStorage {
    package let key: String
    package let isBigEndian: Bool
    private let archive: ZipArchive
    private let entry: ZipEntry
    private let allowMissingCRC: Bool
    private let cache: InflatedRecordCache
    private let isVerified = Mutex(false)

    package var byteCount: Int { entry.size }

    package init(
        archive: ZipArchive, entry: ZipEntry, key: String, isBigEndian: Bool, allowMissingCRC: Bool,
        cache: InflatedRecordCache
    ) {
        self.archive = archive
        self.entry = entry
        self.key = key
        self.isBigEndian = isBigEndian
        self.allowMissingCRC = allowMissingCRC
        self.cache = cache
    }

    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try archive.file.checkUnchanged()
        switch entry.method {
        case .stored:
            return try withExtendedLifetime(archive) {
                let bytes = try archive.payload(of: entry)
                try verify(bytes)
                let result = try body(bytes)
                // A file cut short meanwhile reads as zeros to the end of its last page, without any signal.
                try archive.file.checkUnchanged()
                return result
            }
        case .deflated:
            let inflated = try inflated()
            return try withExtendedLifetime(inflated) {
                try verify(inflated.bytes)
                return try body(inflated.bytes)
            }
        }
    }

    /// Streams a part of the record; the whole of it in one pass, its checksum compared after the last piece.
    package func stream(
        _ range: Range<Int>, pieceBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard range.upperBound <= byteCount else { throw TensorSource.outsideStorage }
        guard entry.method == .stored else {
            guard range == 0..<byteCount else { return try streamPieces(of: range, pieceBytes: pieceBytes, body) }
            try archive.file.checkUnchanged()
            return try archive.streamInflated(
                entry, pieceBytes: pieceBytes, allowMissingCRC: allowMissingCRC, body)
        }
        guard range == 0..<byteCount, !isVerified.withLock({ $0 }) else {
            try verifyByReading()
            return try archive.stream(entry, range, pieceBytes: pieceBytes, body)
        }
        var checksum = CRC32()
        try archive.stream(entry, range, pieceBytes: pieceBytes) { piece in
            checksum.update(piece)
            try body(piece)
        }
        try archive.compareChecksum(checksum, of: entry, allowMissingCRC: allowMissingCRC)
        isVerified.withLock { $0 = true }
    }

    /// Holds the inflated record, which its cache finds again while it lives.
    package func keepingBytes<Result>(_ body: () throws -> Result) throws -> Result {
        guard entry.method == .deflated else { return try body() }
        return try withExtendedLifetime(try inflated(), body)
    }

    private func inflated() throws -> InflatedRecord {
        try cache.record(headerOffset: entry.headerOffset) { try InflatedRecord(entry, of: archive) }
    }

    private func verify(_ bytes: UnsafeRawBufferPointer) throws {
        try isVerified.withLock { isVerified in
            guard !isVerified else { return }
            try archive.verifyChecksum(bytes, of: entry, allowMissingCRC: allowMissingCRC)
            isVerified = true
        }
    }

    /// Others who need the record wait, rather than read all of it as well.
    private func verifyByReading() throws {
        try isVerified.withLock { isVerified in
            guard !isVerified else { return }
            try archive.verify(entry, allowMissingCRC: allowMissingCRC)
            isVerified = true
        }
    }
}
