import Glibc

/// One unnamed file that every input is written to in turn, since the readers map files.
///
/// It is in `TMPDIR`, which the script sets to a folder in memory, and unlinked at once: a crash leaves nothing behind.
struct FuzzFile: ~Copyable {
    private let descriptor: Int32

    /// Creates an empty file.
    init() {
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(folder)/ud2m-fuzz-XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        precondition(descriptor >= 0 && unlink(template) == 0, "cannot create a file in \(folder)")
    }

    /// The path that opens the file in this process.
    var path: String { "/proc/self/fd/\(descriptor)" }

    /// Makes `bytes` the whole contents.
    func replace(with bytes: UnsafeRawBufferPointer) {
        let written = pwrite(descriptor, bytes.baseAddress, bytes.count, 0)
        precondition(written == bytes.count && ftruncate(descriptor, off_t(bytes.count)) == 0, "write failed")
    }
}
