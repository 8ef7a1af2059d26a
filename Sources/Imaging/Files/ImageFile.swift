/// Images in files and in memory, whatever their format.
public enum ImageFile {
    /// Reads a PNG or JPEG file; the format is found by content.
    ///
    /// - Throws: `ImageError` naming `path`: `noInput` when it cannot be opened, `inputOutput` when reading fails,
    ///   and the errors of ``decode(_:limits:)``.
    public static func read(_ path: String, limits: ImageLimits = ImageLimits()) throws(ImageError) -> DecodedImage {
        do {
            return try decode(try FileBytes.read(path, maximumBytes: limits.maximumFileBytes), limits: limits)
        } catch {
            throw error.located(at: path)
        }
    }

    /// Decodes the bytes of a PNG or JPEG file; the format is found by content.
    ///
    /// - Throws: `ImageError` with `notAnImage`, `unsupportedKind`, `truncated`, `corrupt` or `tooLarge`.
    public static func decode(_ bytes: [UInt8], limits: ImageLimits = ImageLimits()) throws(ImageError) -> DecodedImage
    {
        switch try ImageFormat(sniffing: bytes) {
        case .png: try PNGCodec.decode(bytes, limits: limits)
        case .jpeg: try JPEGCodec.decode(bytes, limits: limits)
        }
    }

    /// Writes an image in the format the path's suffix names.
    ///
    /// The bytes go to a temporary file beside `path`, are synced to disk and then take its name in one step: whatever
    /// interrupts the call, `path` is either as it was or complete. A symbolic link at `path` is replaced.
    ///
    /// - Parameters:
    ///   - image: The image.
    ///   - path: Where to; the suffix is `.png`, `.jpg` or `.jpeg`.
    ///   - options: Quality and text.
    ///   - overwriting: Whether an existing file may be replaced.
    /// - Throws: `ImageError` naming `path`: `unsupportedKind` for another suffix, `cannotCreate` when the file exists
    ///   or the folder cannot be written, `inputOutput` when writing fails, and the errors of the encoders.
    public static func write(
        _ image: ImageBuffer, to path: String, options: ImageWriteOptions = ImageWriteOptions(),
        overwriting: Bool = false
    ) throws(ImageError) {
        do {
            let format = try ImageFormat(writingTo: path)
            try FileBytes.write(
                try encode(image, as: format, options: options), to: path, overwriting: overwriting)
        } catch {
            throw error.located(at: path)
        }
    }

    /// Encodes an image.
    ///
    /// - Throws: `ImageError` with `invalidArgument` or `tooLarge`, as the encoder of the format does.
    public static func encode(
        _ image: ImageBuffer, as format: ImageFormat, options: ImageWriteOptions = ImageWriteOptions()
    ) throws(ImageError) -> [UInt8] {
        switch format {
        case .png: try PNGCodec.encode(image, text: options.text)
        case .jpeg: try JPEGCodec.encode(image, quality: options.quality, subsampling: options.subsampling)
        }
    }
}

/// How an image is written; each format takes the options that concern it.
public struct ImageWriteOptions: Sendable, Hashable {
    /// JPEG quality, 1–100.
    public var quality = 95
    /// JPEG colour density.
    public var subsampling = JPEGCodec.Subsampling.full
    /// PNG text chunks, in order. JPEG has no place for them and leaves them out.
    public var text: [ImageText] = []

    /// The default options.
    public init() {}
}
