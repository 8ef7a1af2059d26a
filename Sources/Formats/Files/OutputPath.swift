#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The path of a file to be written: what stands there, and the system calls that put a file in its place.
struct OutputPath {
    let path: String
    private let directory: String
    private let name: String

    /// Splits a path into directory and name.
    init(_ path: String) throws {
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let name = parts.last.map(String.init) ?? nil
        guard let name, !name.isEmpty, name != ".", name != "..", !path.utf8.contains(0) else {
            throw UD2MError(.outputCannotCreate, "The path does not name a file.", at: .init(file: path))
        }
        self.path = path
        self.name = name
        // Cut by bytes: a combining mark after the slash would join it to one Character.
        let parent = String(decoding: path.utf8.dropLast(name.utf8.count), as: UTF8.self)
        self.directory = parent.isEmpty ? "." : parent
    }

    /// Whether anything stands at the path, dangling links included.
    var exists: Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Checks that a file may be written; returns what stands there now, if anything.
    func check(overwrite: Bool, inputs: [String]) throws -> stat? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        let location = UD2MError.Location(file: path)
        let identity = FileIdentity(status)
        let target = FileIdentity.ofFile(at: path)
        for input in inputs {
            guard let other = FileIdentity.ofFile(at: input) else { continue }
            guard !other.isSameFile(as: identity), target?.isSameFile(as: other) != true else {
                throw UD2MError(
                    .outputIsInput, "The output is the same file as the input \(input).", at: location,
                    remedy: "Write to another file.")
            }
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFLNK:
            throw UD2MError(
                .outputIsLink, "The output is a symbolic link, which is not followed.", at: location,
                remedy: "Name the file that the link points to.")
        default:
            throw UD2MError(.outputNotRegular, "The output is a directory or a device, not a file.", at: location)
        }
        guard overwrite else {
            throw UD2MError(
                .outputExists, "The output exists already.", at: location,
                remedy: "Write to another file, or pass --force to replace it.")
        }
        return status
    }

    /// Opens a file for the data; its path is nil when it has none.
    func open(avoidsUnnamed: Bool) throws -> (descriptor: Int32, path: String?) {
        #if os(Linux)
            if !avoidsUnnamed {
                // Glibc's macro is not visible from Swift; the value is the same on every architecture we build for.
                let unnamed = 0o20_000_000 | O_DIRECTORY
                let descriptor = Glibc.open(directory, unnamed | O_RDWR | O_CLOEXEC, 0o666)
                if descriptor >= 0 {
                    // Naming goes through /proc, which a sandbox may lack.
                    if access("/proc/self/fd/\(descriptor)", F_OK) == 0 { return (descriptor, nil) }
                    close(descriptor)
                }
            }
        #endif
        // A name that exists is somebody else's: take another, a few times.
        for _ in 0..<16 {
            let temporary = temporaryPath()
            #if canImport(Darwin)
                let descriptor = Darwin.open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            #else
                let descriptor = Glibc.open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            #endif
            if descriptor >= 0 { return (descriptor, temporary) }
            if errno != EEXIST { break }
        }
        throw failure(errno)
    }

    /// A sibling path `.<name>.<pid>.<random>`; long names are cut to stay under the file system's limit.
    func temporaryPath() -> String {
        let random = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        let shortName = String(decoding: name.utf8.prefix(180), as: UTF8.self)
        return "\(directory == "." && !path.hasPrefix("./") ? "" : directory).\(shortName).\(getpid()).\(random)"
    }

    /// Gives a file without a name one; returns `errno`, 0 on success.
    func link(descriptor: Int32, to target: String) -> Int32 {
        #if os(Linux)
            let source = "/proc/self/fd/\(descriptor)"
            return linkat(AT_FDCWD, source, AT_FDCWD, target, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno
        #else
            return ENOTSUP
        #endif
    }

    /// Moves a complete file to the path.
    func rename(from temporary: String, overwrite: Bool) throws {
        #if canImport(Darwin)
            let renameFile = Darwin.rename
            let linkFile = Darwin.link
        #else
            let renameFile = Glibc.rename
            let linkFile = Glibc.link
        #endif
        if !overwrite {
            // link, unlike rename, fails when the name was taken in the meantime.
            if linkFile(temporary, path) == 0 {
                unlink(temporary)
                return
            }
            // File systems without hard links leave only the check.
            let number = errno
            guard number == EPERM || number == ENOTSUP || number == ENOSYS, !exists else { throw failure(number) }
        }
        guard renameFile(temporary, path) == 0 else { throw failure(errno) }
    }

    /// Makes the new name durable; file systems that cannot are left alone.
    func synchronizeDirectory() {
        #if canImport(Darwin)
            let descriptor = Darwin.open(directory, O_RDONLY | O_CLOEXEC)
        #else
            let descriptor = Glibc.open(directory, O_RDONLY | O_CLOEXEC)
        #endif
        guard descriptor >= 0 else { return }
        _ = fsync(descriptor)
        close(descriptor)
    }

    /// The error for an `errno` from opening or naming.
    func failure(_ number: Int32) -> UD2MError {
        let location = UD2MError.Location(file: path)
        switch number {
        case EEXIST:
            return UD2MError(
                .outputExists, "The output exists already.", at: location,
                remedy: "Write to another file, or pass --force to replace it.")
        case ENOENT:
            return UD2MError(
                .outputCannotCreate, "The output's directory does not exist.", at: location,
                remedy: "Create the directory first.")
        case ENOSPC, EDQUOT:
            return UD2MError(.outputNoSpace, "There is no room for the file: \(systemErrorText(number)).", at: location)
        default:
            return UD2MError(.outputCannotCreate, "Cannot create the file: \(systemErrorText(number)).", at: location)
        }
    }
}
