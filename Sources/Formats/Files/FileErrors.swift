#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

extension UD2MError.Code {
    /// The file does not exist.
    public static let fileMissing = Self("file-missing", .noInput)
    /// The file exists but the system refuses to open it.
    public static let fileUnreadable = Self("file-unreadable", .noInput)
    /// The path names a directory, a device, a pipe or a socket.
    public static let fileNotRegular = Self("file-not-regular", .noInput)
    /// The file was modified, truncated or replaced after it was opened.
    public static let fileChanged = Self("file-changed", .retry)
    /// The system failed to map or read the file.
    public static let fileReadFailed = Self("file-read-failed", .inputOutput)
    /// A byte range that should be in the file is not.
    public static let fileRangeOutside = Self("file-range-outside", .badData)
}

/// The system's sentence for an `errno` value, such as "Permission denied".
package func systemErrorText(_ number: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    return buffer.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return "error \(number)" }
        guard strerror_r(number, base, buffer.count) == 0 else { return "error \(number)" }
        return String(cString: base)
    }
}
