import CTurboJPEG

/// JPEG to and from bytes, through libjpeg-turbo's TurboJPEG API.
///
/// Only calls present in both TurboJPEG 2 and 3 are used. Grey stays one channel and YCbCr or RGB becomes three; the
/// EXIF orientation is applied. A file the decoder only warns about, such as one that ends early, is an error: a picture
/// filled up with grey must not pass for an observation.
public enum JPEGCodec {
    /// How densely colour is stored.
    public enum Subsampling: String, Sendable, Hashable, CaseIterable {
        /// One colour sample a pixel (4:4:4).
        case full = "4:4:4"
        /// One colour sample for two pixels beside each other (4:2:2).
        case half = "4:2:2"
        /// One colour sample for two by two pixels (4:2:0).
        case quarter = "4:2:0"
    }

    /// Decodes a whole JPEG file.
    ///
    /// - Throws: `ImageError` with `truncated`, `corrupt`, `tooLarge` or, for CMYK and rare coding processes,
    ///   `unsupportedKind`.
    public static func decode(_ bytes: [UInt8], limits: ImageLimits = ImageLimits()) throws(ImageError) -> DecodedImage
    {
        guard bytes.starts(with: [0xFF, 0xD8]) else { throw ImageError(.corrupt, "the JPEG signature is missing.") }
        let header = try JPEGHeader(bytes)
        try limits.check(width: header.width, height: header.height)
        // A Huffman code has at least one bit and an 8 × 8 block at least one code, so a byte yields 512 pixels at most.
        guard header.width * header.height / 512 <= bytes.count else {
            throw ImageError(.truncated, "the JPEG data is too short for the size it declares.")
        }
        let levels = try decompress(bytes, header)
        let stored = try ImageBuffer(
            width: header.width, height: header.height, channels: header.components, levels8: levels)
        return DecodedImage(
            image: stored.oriented(header.orientation), format: .jpeg, hadAlpha: false,
            orientation: header.orientation, text: [], warnings: [])
    }

    /// Encodes an image as a baseline JPEG of 8 bits a sample, whatever its bit depth.
    ///
    /// - Parameters:
    ///   - image: A grey or colour image with sides of at most 65,535 pixels.
    ///   - quality: 1 (small) to 100 (close).
    ///   - subsampling: How densely colour is stored; grey images have none.
    /// - Returns: The bytes of a JPEG file.
    /// - Throws: `ImageError` with `invalidArgument` for a quality outside 1–100 and `tooLarge` for a side or a result
    ///   that the format or the library cannot hold.
    public static func encode(
        _ image: ImageBuffer, quality: Int = 95, subsampling: Subsampling = .full
    ) throws(ImageError) -> [UInt8] {
        guard (1...100).contains(quality) else {
            throw ImageError(.invalidArgument, "a JPEG's quality is 1 to 100, not \(quality).")
        }
        guard max(image.width, image.height) <= 65_535 else {
            throw ImageError(.tooLarge, "a JPEG has sides of at most 65535 pixels.", remedy: "Write a PNG.")
        }
        guard let handle = tjInitCompress() else { throw ImageError(.tooLarge, "the JPEG encoder cannot start.") }
        defer { tjDestroy(handle) }
        let isGrey = image.channels == 1
        let sampling = isGrey ? TJSAMP_GRAY : subsampling.library
        let format = isGrey ? TJPF_GRAY : TJPF_RGB
        var out: UnsafeMutablePointer<UInt8>?
        var count: UInt = 0
        defer { if let out { tjFree(out) } }
        let status = tjCompress2(
            handle, image.levels8, Int32(image.width), 0, Int32(image.height), Int32(format.rawValue), &out, &count,
            Int32(sampling.rawValue), Int32(quality), TJFLAG_ACCURATEDCT)
        guard status == 0, let out, let length = Int(exactly: count) else {
            throw ImageError(.tooLarge, "the JPEG cannot be written: \(message(handle)).")
        }
        return Array(UnsafeBufferPointer(start: out, count: length))
    }

    private static func decompress(_ bytes: [UInt8], _ header: JPEGHeader) throws(ImageError) -> [UInt8] {
        guard let handle = tjInitDecompress() else { throw ImageError(.tooLarge, "the JPEG decoder cannot start.") }
        defer { tjDestroy(handle) }
        var width: Int32 = 0
        var height: Int32 = 0
        var sampling: Int32 = 0
        var colorSpace: Int32 = 0
        let status = tjDecompressHeader3(handle, bytes, UInt(bytes.count), &width, &height, &sampling, &colorSpace)
        guard status == 0 else { throw error(handle) }
        // Two readers of one header must agree before a buffer of that size is handed to the decoder.
        guard Int(width) == header.width, Int(height) == header.height else {
            throw ImageError(.corrupt, "the JPEG declares two sizes.")
        }
        let format = header.components == 1 ? TJPF_GRAY : TJPF_RGB
        let flags = TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS
        var levels = [UInt8](repeating: 0, count: header.width * header.height * header.components)
        let decoded = tjDecompress2(
            handle, bytes, UInt(bytes.count), &levels, width, 0, height, Int32(format.rawValue), flags)
        guard decoded == 0 else { throw error(handle) }
        return levels
    }

    private static func message(_ handle: tjhandle) -> String {
        tjGetErrorStr2(handle).map { String(cString: $0) } ?? "no reason given"
    }

    private static func error(_ handle: tjhandle) -> ImageError {
        let message = message(handle)
        // The library has one code for all warnings; only its text tells an early end, and both are the same to a user.
        let isEarlyEnd = message.contains("Premature end") || message.contains("ends prematurely")
        return ImageError(
            isEarlyEnd ? .truncated : .corrupt, "the JPEG data is damaged: \(message).", remedy: "Fetch the file again."
        )
    }
}

extension JPEGCodec.Subsampling {
    fileprivate var library: TJSAMP {
        switch self {
        case .full: TJSAMP_444
        case .half: TJSAMP_422
        case .quarter: TJSAMP_420
        }
    }
}
