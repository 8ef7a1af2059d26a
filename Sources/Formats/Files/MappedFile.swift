#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A regular file mapped read-only into memory, as a whole and once (`formats.md` §12.7).
///
/// Pages are read from disk when they are touched, and shared with other processes through the page cache. Long runs of
/// data go through ``stream(_:pieceBytes:_:)``, which reads them instead where the file system makes faults expensive.
///
/// Safe to share between threads although the compiler cannot see it: every stored property is a `let`, the mapping is
/// `PROT_READ` so nobody writes through it, and it is unmapped and closed only in `deinit`, when no reference is left.
public final class MappedFile: @unchecked Sendable {
    /// How the mapping is about to be read.
    public enum Advice: Sendable {
        /// Once, front to back: read ahead and drop behind.
        case sequential
        /// In small pieces anywhere: do not read ahead.
        case random
        /// Everything, soon: start reading now.
        case willNeed
        /// Nothing known.
        case normal
        /// Not again soon: give its memory back.
        case unused
    }

    /// The path as the caller gave it.
    public let path: String
    /// The file's bytes, valid while this object lives; empty for an empty file.
    ///
    /// Keep the object in a variable while using them: a temporary may be released as soon as it has given the pointer.
    public let bytes: UnsafeRawBufferPointer
    /// What the file was when it was opened.
    package let identity: FileIdentity
    /// Whether ``stream(_:pieceBytes:_:)`` reads the file rather than the mapping.
    package let usesReading: Bool
    private let descriptor: Int32
    /// Where the mapping is noted for the handler of SIGBUS.
    private let region: Int?

    /// Bytes in the file.
    public var count: Int { bytes.count }

    /// Opens and maps a file, whose data are then streamed as `access` says.
    /// - Throws: ``UD2MError`` with code `file-missing`, `file-unreadable`, `file-not-regular` or `file-read-failed`.
    public init(path: String, access: FileAccess = .automatic) throws {
        let location = UD2MError.Location(file: path)
        guard !path.utf8.contains(0) else {
            throw UD2MError(.fileMissing, "The path contains a NUL byte, so no file can have it.", at: location)
        }
        // O_NONBLOCK: opening a pipe must not wait for a writer. It means nothing for a regular file.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let number = errno
            if number == ENOENT || number == ENOTDIR {
                throw UD2MError(.fileMissing, "There is no such file.", at: location, remedy: "Check the path.")
            }
            throw UD2MError(.fileUnreadable, "Cannot open the file: \(systemErrorText(number)).", at: location)
        }
        do {
            let identity = try Self.identity(of: descriptor, at: location)
            self.bytes = try Self.map(descriptor, count: identity.size, at: location)
            self.identity = identity
        } catch {
            close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
        usesReading = access.usesReading(descriptor: descriptor)
        region = MappedRegions.register(bytes, path: path)
    }

    deinit {
        MappedRegions.release(region)
        if let base = bytes.baseAddress {
            munmap(UnsafeMutableRawPointer(mutating: base), bytes.count)
        }
        close(descriptor)
    }

    /// Checks that nobody has written to the file since it was opened.
    ///
    /// Touching pages beyond the end of a file that has shrunk kills the process, so call this before first use.
    /// - Throws: ``UD2MError`` with code `file-changed`.
    public func checkUnchanged() throws {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw UD2MError(
                .fileReadFailed, "Cannot examine the file: \(systemErrorText(errno)).", at: .init(file: path))
        }
        // An open descriptor keeps naming the old file when a new one takes its path, and reading that is safe;
        // but the user means the file that is there now.
        let atPath = FileIdentity.ofFile(at: path)
        guard FileIdentity(status) == identity, atPath == nil || atPath == identity else { throw changed() }
    }

    /// Gives the bytes of a range in order, in pieces of at most `pieceBytes`: parts of the mapping, or of a buffer that
    /// the file was read into.
    /// - Throws: ``UD2MError`` with code `file-range-outside`, `file-changed` or `file-read-failed`, or what `body` throws.
    package func stream(
        _ range: Range<Int>, pieceBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard range.lowerBound >= 0, range.upperBound <= count else { throw outside(range) }
        if usesReading {
            try readPieces(range, pieceBytes: pieceBytes, body)
        } else {
            try UnsafeRawBufferPointer(rebasing: bytes[range]).forEachPiece(of: pieceBytes, body)
        }
        // A file cut short meanwhile reads as zeros to the end of its last page, without any signal.
        try checkUnchanged()
    }

    private func readPieces(
        _ range: Range<Int>, pieceBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        // Whole pieces, so that only the last one of the range is shorter.
        let pieces = max(1, FileAccess.readBytes / max(pieceBytes, 1))
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(1, min(range.count, pieces * pieceBytes)), alignment: 4096)
        defer { buffer.deallocate() }
        var start = range.lowerBound
        while start < range.upperBound {
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, range.upperBound - start)])
            try read(into: part, at: start)
            try UnsafeRawBufferPointer(part).forEachPiece(of: pieceBytes, body)
            start += part.count
        }
    }

    /// The bytes of a small range, read whatever the file's access is: for pieces that lie far apart.
    /// - Throws: ``UD2MError`` with code `file-range-outside`, `file-changed` or `file-read-failed`.
    package func read(_ range: Range<Int>) throws -> [UInt8] {
        guard range.lowerBound >= 0, range.upperBound <= count else { throw outside(range) }
        return try [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
            try read(
                into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<range.count]),
                at: range.lowerBound)
            filled = range.count
        }
    }

    /// Fills a buffer with the file's bytes from `offset` on.
    private func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let received = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            if received < 0 {
                if errno == EINTR { continue }
                throw UD2MError(
                    .fileReadFailed, "Reading failed: \(systemErrorText(errno)).",
                    at: .init(file: path, byteOffset: offset + done))
            }
            guard received > 0 else { throw changed() }
            done += received
        }
    }

    private func outside(_ range: Range<Int>) -> UD2MError {
        UD2MError(
            .fileRangeOutside, "The data end at byte \(range.upperBound), but the file has \(count) bytes.",
            at: .init(file: path, byteOffset: range.lowerBound))
    }

    private func changed() -> UD2MError {
        UD2MError(
            .fileChanged, "The file was modified while it was being read.", at: .init(file: path),
            remedy: "Wait until whatever writes it has finished, then try again.")
    }

    /// Tells the kernel how the mapping, or a range of its bytes, is about to be read; only ever a hint.
    public func advise(_ advice: Advice, range: Range<Int>? = nil) {
        let range = (range ?? 0..<count).clamped(to: 0..<count)
        guard let base = bytes.baseAddress, !range.isEmpty else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let start = range.lowerBound / page * page
        let value =
            switch advice {
            case .sequential: MADV_SEQUENTIAL
            case .random: MADV_RANDOM
            case .willNeed: MADV_WILLNEED
            case .normal: MADV_NORMAL
            case .unused: MADV_DONTNEED
            }
        madvise(UnsafeMutableRawPointer(mutating: base) + start, range.upperBound - start, value)
    }

    private static func identity(of descriptor: Int32, at location: UD2MError.Location) throws -> FileIdentity {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw UD2MError(.fileReadFailed, "Cannot examine the file: \(systemErrorText(errno)).", at: location)
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            return FileIdentity(status)
        case S_IFDIR:
            throw UD2MError(
                .fileNotRegular, "This is a directory, not a file.", at: location, remedy: "Name a file inside it.")
        default:
            throw UD2MError(
                .fileNotRegular, "This is a device, pipe or socket, which cannot be mapped.", at: location,
                remedy: "Save the data to a file first.")
        }
    }

    private static func map(
        _ descriptor: Int32, count: Int, at location: UD2MError.Location
    ) throws -> UnsafeRawBufferPointer {
        guard count > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let base, base != MAP_FAILED else {
            throw UD2MError(.fileReadFailed, "Cannot map the file: \(systemErrorText(errno)).", at: location)
        }
        return UnsafeRawBufferPointer(start: base, count: count)
    }
}

extension UnsafeRawBufferPointer {
    /// Calls `body` with consecutive pieces of at most `count` bytes.
    func forEachPiece(of count: Int, _ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        var start = 0
        while start < self.count {
            let end = start + Swift.min(Swift.max(count, 1), self.count - start)
            try body(UnsafeRawBufferPointer(rebasing: self[start..<end]))
            start = end
        }
    }
}
