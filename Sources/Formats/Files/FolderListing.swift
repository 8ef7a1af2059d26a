#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What lies in folders.
package enum FolderListing {
    /// The names in a folder except "." and "..", in no order, at most `limit`; nil when the path is no folder that can
    /// be read, and `errno` then says why.
    package static func names(in path: String, limit: Int = .max) -> [String]? {
        guard !path.utf8.contains(0), let folder = opendir(path) else { return nil }
        defer { closedir(folder) }
        var names: [String] = []
        while names.count < limit, let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Whether a path names a symbolic link, wherever that leads.
    package static func isLink(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    /// Whether a path names a folder that can be read.
    package static func isFolder(_ path: String) -> Bool { names(in: path, limit: 0) != nil }
}
