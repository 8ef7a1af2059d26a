#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A temporary file that has no name left, so that nothing stays behind however the process ends.
package enum NamelessFile {
    /// Where such files are: `TMPDIR`, or `/tmp`.
    package static var folder: String { getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp" }

    /// Makes one, open for reading and writing.
    /// - Returns: Its descriptor, which the caller closes; negative with `errno` set where the folder takes none.
    package static func open() -> Int32 {
        // mkstemp puts letters of its own in place of the six.
        var template = Array((folder + "/.ud2m-" + String(repeating: "X", count: 6)).utf8CString)
        let descriptor = mkstemp(&template)
        if descriptor >= 0 { unlink(template) }
        return descriptor
    }
}
