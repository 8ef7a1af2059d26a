#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// Inside the enumeration, `read` and `write` name its own functions.
private let posixRead: @Sendable (Int32, UnsafeMutableRawPointer?, Int) -> Int = { read($0, $1, $2) }
private let posixWrite: @Sendable (Int32, UnsafeRawPointer?, Int) -> Int = { write($0, $1, $2) }

/// Whole files in and out.
enum FileBytes {
    /// Reads a regular file of at most `maximumBytes`.
    ///
    /// - Throws: `ImageError` with `noInput`, `tooLarge` or `inputOutput`.
    static func read(_ path: String, maximumBytes: Int) throws(ImageError) -> [UInt8] {
        try checkName(path, .noInput)
        // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw ImageError(.noInput, "the file cannot be opened: \(reason()).") }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw ImageError(.inputOutput, "reading failed: \(reason()).") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw ImageError(.noInput, "this is not a regular file.", remedy: "Name a file, not a folder or a device.")
        }
        let tooLarge = ImageError(.tooLarge, "the file has more than \(maximumBytes) bytes.")
        guard Int(status.st_size) <= maximumBytes else { throw tooLarge }
        // One byte more than the file had, to see its end; the loop goes on if it has grown since.
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size) + 1)
        var count = 0
        while true {
            if count == bytes.count { bytes.append(contentsOf: [UInt8](repeating: 0, count: 65_536)) }
            let got = bytes.withUnsafeMutableBytes { [count] buffer in
                retrying { systemRead(file, UnsafeMutableRawBufferPointer(rebasing: buffer[count...])) }
            }
            if got < 0 { throw ImageError(.inputOutput, "reading failed: \(reason()).") }
            if got == 0 { break }
            count += got
            guard count <= maximumBytes else { throw tooLarge }
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// Writes a file so that `path` is never half there: a temporary file beside it, synced, then renamed.
    ///
    /// - Throws: `ImageError` with `cannotCreate` or `inputOutput`.
    static func write(_ bytes: [UInt8], to path: String, overwriting: Bool) throws(ImageError) {
        try checkName(path, .cannotCreate)
        try checkTarget(path, overwriting: overwriting)
        let (folder, name) = split(path)
        let temporary = "\(folder).\(name.prefix(100)).\(String(UInt64.random(in: .min ... .max), radix: 36)).tmp"
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw ImageError(.cannotCreate, "the file cannot be created: \(reason()).") }
        do {
            do {
                defer { close(file) }
                try writeAll(bytes, to: file)
            }
            try place(temporary, at: path, overwriting: overwriting)
        } catch {
            unlink(temporary)
            throw error
        }
        sync(folder: folder.isEmpty ? "." : folder)
    }

    private static let exists = ImageError(
        .cannotCreate, "the file exists.", remedy: "Choose another name, or allow it to be replaced.")

    private static func checkTarget(_ path: String, overwriting: Bool) throws(ImageError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard overwriting else { throw exists }
        let kind = status.st_mode & S_IFMT
        guard kind == S_IFREG || kind == S_IFLNK else {
            throw ImageError(.cannotCreate, "the name belongs to a folder or a device.")
        }
    }

    private static func writeAll(_ bytes: [UInt8], to file: Int32) throws(ImageError) {
        var position = 0
        while position < bytes.count {
            let put = bytes.withUnsafeBytes { [position] buffer in
                retrying { systemWrite(file, UnsafeRawBufferPointer(rebasing: buffer[position...])) }
            }
            guard put > 0 else { throw ImageError(.inputOutput, "writing failed: \(reason()).") }
            position += put
        }
        guard fsync(file) == 0 else { throw ImageError(.inputOutput, "writing failed: \(reason()).") }
    }

    /// Gives the finished file its name. A link refuses to replace, which a check before a rename could not promise.
    private static func place(_ temporary: String, at path: String, overwriting: Bool) throws(ImageError) {
        if !overwriting {
            if link(temporary, path) == 0 {
                unlink(temporary)
                return
            }
            if errno == EEXIST { throw exists }
            // Some file systems have no links; there the check made before writing must do.
        }
        guard rename(temporary, path) == 0 else {
            throw ImageError(.cannotCreate, "the file cannot be given its name: \(reason()).")
        }
    }

    /// Makes the new name itself durable; file systems that cannot sync a folder are left alone.
    private static func sync(folder: String) {
        let file = open(folder, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        _ = fsync(file)
        close(file)
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return ("", path) }
        return (String(path[...slash]), String(path[path.index(after: slash)...]))
    }

    private static func checkName(_ path: String, _ code: ImageError.Code) throws(ImageError) {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw ImageError(code, "a file name is not empty and holds no zero character.")
        }
    }

    private static func systemRead(_ file: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        Int(posixRead(file, buffer.baseAddress, min(buffer.count, 1 << 30)))
    }

    private static func systemWrite(_ file: Int32, _ buffer: UnsafeRawBufferPointer) -> Int {
        Int(posixWrite(file, buffer.baseAddress, min(buffer.count, 1 << 30)))
    }

    private static func retrying(_ call: () -> Int) -> Int {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }

    private static func reason() -> String { String(cString: strerror(errno)) }
}
