#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A file beside another, named inside a file that is not trusted (`formats.md` §7, path rule).
package struct SiblingFile {
    /// The folder both are in, as the caller gave it.
    let folder: String

    /// The path of the folder's file of this name.
    /// - Throws: ``UD2MError`` with code `unsafe-path` when the name is not a single plain component, or when following
    ///   it leaves the folder.
    func path(of name: String) throws -> String {
        let bytes = Array(name.utf8)
        guard !bytes.isEmpty, bytes.count <= 255, name != ".", name != "..", !bytes.contains(0),
            !bytes.contains(UInt8(ascii: "/")), !bytes.contains(UInt8(ascii: "\\"))
        else {
            throw UD2MError(
                .unsafePath, "A file is named by more than a plain name in the same folder.", at: .init(entry: name),
                remedy: "Do not trust this checkpoint: get it from a source you trust.")
        }
        let path = folder.hasSuffix("/") ? folder + name : folder + "/" + name
        // A file that is not there is reported by whoever opens it.
        guard let target = Self.resolved(path) else { return path }
        guard let home = Self.resolved(folder),
            target.prefix(upTo: target.lastIndex(of: "/") ?? target.startIndex) == home
        else {
            throw UD2MError(
                .unsafePath, "A file of the checkpoint is a link that leaves its folder.", at: .init(entry: name),
                remedy: "If you trust it, copy the files the links lead to into one folder.")
        }
        return path
    }

    private static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        let text = String(cString: real)
        return text == "/" ? "" : text
    }
}

extension UD2MError.Code {
    /// A file names another in a way that could lead anywhere.
    public static let unsafePath = Self("unsafe-path", .refused)
}
