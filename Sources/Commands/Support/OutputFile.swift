import UD2MFormats

/// Checks of output paths.
enum OutputFile {
    /// Throws when a path cannot be written, before any long work starts.
    static func requireWritable(_ path: String, overwrite: Bool, inputs: [String] = []) throws {
        _ = try AtomicFile(path: path, byteCount: 0, overwrite: overwrite, inputs: inputs)
    }
}
