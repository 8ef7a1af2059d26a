import UD2MFormats
import UD2MImaging

/// Small outputs written whole: each appears complete or not at all.
enum OutputFile {
    /// Writes bytes.
    /// - Throws: ``UD2MFormats/UD2MError`` with an `output-…` code.
    static func write(_ bytes: some Collection<UInt8>, to path: String, overwrite: Bool) throws {
        let bytes = Array(bytes)
        let file = try AtomicFile(path: path, byteCount: bytes.count, overwrite: overwrite)
        try bytes.withUnsafeBytes { try file.write($0, at: 0) }
        try file.commit()
    }

    /// Encodes an image in the format of the path's suffix and writes it.
    static func write(
        _ image: ImageBuffer, to path: String, options: ImageWriteOptions = ImageWriteOptions(), overwrite: Bool
    ) throws {
        let format = try ImageFormat(writingTo: path)
        try write(try ImageFile.encode(image, as: format, options: options), to: path, overwrite: overwrite)
    }

    /// Throws when a path cannot be written, before any long work starts.
    static func requireWritable(_ path: String, overwrite: Bool) throws {
        _ = try AtomicFile(path: path, byteCount: 0, overwrite: overwrite)
    }
}
