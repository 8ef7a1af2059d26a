import Synchronization

/// A storage held by one record of a zip archive: the file's own bytes where it is stored, inflated on demand where it is
/// deflated; its checksum is verified once, when its bytes are first given (`formats.md` §2.3 rules 8 and 9).
final class ZipRecordStorage: TensorStorage {
    let key: String
    let isBigEndian: Bool
    private let archive: ZipArchive
    private let entry: ZipEntry
    private let allowMissingCRC: Bool
    private let cache: InflatedRecordCache
    private let isVerified = Mutex(false)

    var byteCount: Int { entry.size }

    init(
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

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
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
            let inflated = try cache.bytes(headerOffset: entry.headerOffset) { try archive.inflatedBytes(of: entry) }
            return try inflated.withUnsafeBytes { bytes in
                try verify(bytes)
                return try body(bytes)
            }
        }
    }

    /// Streams a part of the record; the whole of it in one pass, its checksum compared after the last piece.
    func stream(
        _ range: Range<Int>, pieceBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard range.upperBound <= byteCount else { throw TensorSource.outsideStorage }
        guard entry.method == .stored else {
            return try streamPieces(of: range, pieceBytes: pieceBytes, body)
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

/// Keeps the record that was inflated last, so that many views of one storage inflate it once and memory holds one
/// storage at a time.
final class InflatedRecordCache: Sendable {
    private let last = Mutex<(headerOffset: Int, bytes: [UInt8])?>(nil)

    /// The bytes of the record at `headerOffset`, inflated by `inflate` unless it was the last one.
    func bytes(headerOffset: Int, inflate: () throws -> [UInt8]) throws -> [UInt8] {
        try last.withLock { last in
            if let last, last.headerOffset == headerOffset { return last.bytes }
            last = nil
            let bytes = try inflate()
            last = (headerOffset, bytes)
            return bytes
        }
    }
}
