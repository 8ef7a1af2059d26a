#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What tells one state of a file from another: where it is, how long it is and when it was last written.
package struct FileIdentity: Sendable, Hashable {
    /// The device that holds the file.
    package let device: UInt64
    /// The file's number on that device.
    package let inode: UInt64
    /// Bytes.
    package let size: Int
    /// Seconds of the last modification.
    package let seconds: Int
    /// Nanoseconds of the last modification.
    package let nanoseconds: Int

    /// Takes the parts from what `stat` filled in.
    package init(_ status: stat) {
        device = UInt64(truncatingIfNeeded: status.st_dev)
        inode = UInt64(truncatingIfNeeded: status.st_ino)
        size = Int(status.st_size)
        #if canImport(Darwin)
            seconds = status.st_mtimespec.tv_sec
            nanoseconds = status.st_mtimespec.tv_nsec
        #else
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        #endif
    }

    /// Whether both name the same file, whatever was written to it in between.
    package func isSameFile(as other: FileIdentity) -> Bool {
        device == other.device && inode == other.inode
    }

    /// The identity of the file at `path`, symbolic links followed, or nil when there is none.
    package static func ofFile(at path: String) -> FileIdentity? {
        var status = stat()
        // Before every run of a network: this way the path is not copied.
        return path.withCString { stat($0, &status) } == 0 ? FileIdentity(status) : nil
    }
}
