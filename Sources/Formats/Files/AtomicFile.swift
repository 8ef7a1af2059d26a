#if canImport(Darwin)
    import Darwin
#else
    import CFileSystem
    import Glibc
#endif

/// A file that appears under its name complete, or not at all (`formats.md` §12.6).
///
/// On Linux the data go to a file without a name (`O_TMPFILE`), which the kernel drops when the process dies, however
/// it dies; ``commit()`` names it. Where a file system cannot do that, and on macOS, they go to a hidden sibling file,
/// which is removed when anything throws and registered with ``TemporaryFiles`` for signal handlers.
/// A file that is replaced keeps its permissions. A symbolic link is refused, not followed: replacing the link would
/// leave its target stale, and following it would write where the path does not say.
///
/// Safe to share between threads although the compiler cannot see it: the descriptor and the paths are set once in
/// `init`; ``write(_:at:)`` is `pwrite`, which threads may call at the same time for different ranges; `state` is
/// touched by ``commit()`` and `deinit` only, and ``commit()`` is called once, after the last write.
public final class AtomicFile: @unchecked Sendable {
    /// Where the bytes are until they are committed.
    private enum State {
        case unnamed
        case named(path: String, slot: Int?)
        case finished
    }

    /// The path the file will have.
    public let path: String
    /// Whether the data have no name yet, so that not even `SIGKILL` leaves a file behind.
    public var isUnnamed: Bool { if case .unnamed = state { true } else { false } }
    private let descriptor: Int32
    private let overwrite: Bool
    private var state: State

    /// Throws where a file could not be written because of what stands there already; makes nothing, unlike
    /// ``init(path:byteCount:overwrite:inputs:avoidsUnnamed:)``, which sees more.
    /// - Throws: ``UD2MError`` with an `output-…` code.
    public static func check(path: String, overwrite: Bool, inputs: [String]) throws {
        _ = try OutputPath(path).check(overwrite: overwrite, inputs: inputs)
    }

    /// Starts a file.
    /// - Parameters:
    ///   - path: Where it will be.
    ///   - byteCount: Bytes to reserve, so that a full disk is noticed before work starts.
    ///   - overwrite: Whether an existing file may be replaced.
    ///   - inputs: Paths that the data come from, none of which may be replaced.
    ///   - avoidsUnnamed: Whether to use a sibling file even where a file without a name is possible.
    /// - Throws: ``UD2MError`` with an `output-…` code.
    public init(
        path: String, byteCount: Int, overwrite: Bool = false, inputs: [String] = [], avoidsUnnamed: Bool = false
    ) throws {
        let output = try OutputPath(path)
        let replaced = try output.check(overwrite: overwrite, inputs: inputs)
        let opened = try output.open(avoidsUnnamed: avoidsUnnamed)
        self.path = path
        self.overwrite = overwrite
        self.descriptor = opened.descriptor
        if let temporary = opened.path {
            self.state = .named(path: temporary, slot: TemporaryFiles.register(temporary))
        } else {
            self.state = .unnamed
        }
        // From here on `deinit` cleans up.
        if let replaced {
            // The owner can be kept only by a privileged user; the mode always.
            _ = fchown(descriptor, replaced.st_uid, replaced.st_gid)
            _ = fchmod(descriptor, replaced.st_mode & 0o7777)
        }
        try reserve(byteCount)
    }

    deinit {
        discard()
        close(descriptor)
    }

    /// Writes bytes at an offset.
    /// - Throws: ``UD2MError`` with code `output-no-space` or `output-write-failed`.
    public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let written = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            if written < 0 {
                if errno == EINTR { continue }
                throw failure(errno, offset: offset + done)
            }
            done += written
        }
        startWriting(bytes.count, at: offset)
    }

    /// Tells Linux to bring finished data to the disk, so that ``commit()`` need not wait for all of them; only a hint.
    private func startWriting(_ byteCount: Int, at offset: Int) {
        #if os(Linux)
            // Small pieces are left to the end.
            guard byteCount >= 256 << 10 else { return }
            _ = ud2m_start_writing(descriptor, Int64(offset), Int64(byteCount))
        #endif
    }

    /// Makes the data durable and gives the file its name; nothing may be written afterwards.
    /// - Throws: ``UD2MError`` with an `output-…` code; the file's name is then as it was before.
    public func commit() throws {
        try synchronize()
        let output = try OutputPath(path)
        switch state {
        case .finished:
            return
        case .unnamed:
            try nameUnnamed(output)
        case .named(let temporary, let slot):
            try output.rename(from: temporary, overwrite: overwrite)
            TemporaryFiles.release(slot)
        }
        state = .finished
        output.synchronizeDirectory()
    }

    /// Removes what was written, unless it was committed.
    private func discard() {
        if case .named(let temporary, let slot) = state {
            unlink(temporary)
            TemporaryFiles.release(slot)
        }
        state = .finished
    }

    private func nameUnnamed(_ output: OutputPath) throws {
        if !overwrite || !output.exists {
            let number = output.link(descriptor: descriptor, to: output.path)
            if number == 0 { return }
            guard overwrite, number == EEXIST else { throw output.failure(number) }
        }
        // Only rename replaces, and it needs a name: a complete file is called by it for a moment.
        let temporary = output.temporaryPath()
        let slot = TemporaryFiles.register(temporary)
        state = .named(path: temporary, slot: slot)
        let number = output.link(descriptor: descriptor, to: temporary)
        guard number == 0 else { throw output.failure(number) }
        try output.rename(from: temporary, overwrite: true)
        TemporaryFiles.release(slot)
    }

    private func synchronize() throws {
        #if canImport(Darwin)
            // fsync on macOS does not reach the disk's own cache.
            if fcntl(descriptor, F_FULLFSYNC) == 0 { return }
        #endif
        guard fsync(descriptor) == 0 else { throw failure(errno, offset: nil) }
    }

    private func reserve(_ byteCount: Int) throws {
        guard byteCount > 0 else { return }
        // Asked first, since preallocation that must fail may fill the disk before it does.
        var space = statvfs()
        if fstatvfs(descriptor, &space) == 0, space.f_blocks > 0 {
            let (free, overflow) = UInt64(space.f_bavail).multipliedReportingOverflow(by: UInt64(space.f_frsize))
            guard overflow || free >= UInt64(byteCount) else { throw failure(ENOSPC, offset: nil) }
        }
        #if canImport(Darwin)
            var request = fstore_t(
                fst_flags: UInt32(F_ALLOCATEALL), fst_posmode: F_PEOFPOSMODE, fst_offset: 0,
                fst_length: off_t(byteCount), fst_bytesalloc: 0)
            let number = fcntl(descriptor, F_PREALLOCATE, &request) == -1 ? errno : 0
        #else
            let number = posix_fallocate(descriptor, 0, off_t(byteCount))
        #endif
        // File systems without preallocation say so; only a lack of room stops us here.
        if number == ENOSPC || number == EDQUOT || number == EFBIG { throw failure(number, offset: nil) }
        guard ftruncate(descriptor, off_t(byteCount)) == 0 else { throw failure(errno, offset: nil) }
    }

    private func failure(_ number: Int32, offset: Int?) -> UD2MError {
        let location = UD2MError.Location(file: path, byteOffset: offset)
        if number == EFAULT {
            // The system could not read the bytes: they lie in a mapped file that another process cut short.
            return UD2MError(
                .fileChanged, "An input was cut short by another process while it was being read.", at: location,
                remedy: "Try again when it is complete.")
        }
        if number == ENOSPC || number == EDQUOT {
            return UD2MError(
                .outputNoSpace, "There is no room for the file: \(systemErrorText(number)).", at: location,
                remedy: "Free some space or write elsewhere; nothing was left behind.")
        }
        return UD2MError(.outputWriteFailed, "Writing failed: \(systemErrorText(number)).", at: location)
    }
}
