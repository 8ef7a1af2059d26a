import CUD2MImageCodecs

/// PNG to and from bytes, through libpng.
///
/// Reading takes every colour type, bit depth and interlacing. Samples of fewer than 8 bits are scaled to 8, palettes
/// become colour, and alpha is dropped, not composited: a restoration works on the stored colours, and
/// ``DecodedImage/hadAlpha`` tells the caller. Gamma, colour profiles and EXIF chunks are ignored; values are taken as
/// sRGB the way they are stored.
public enum PNGCodec {
    /// Decodes a whole PNG file.
    ///
    /// - Throws: `ImageError` with `truncated`, `corrupt` or `tooLarge`.
    public static func decode(_ bytes: [UInt8], limits: ImageLimits = ImageLimits()) throws(ImageError) -> DecodedImage
    {
        var decoded = ud2m_png_image()
        defer { ud2m_png_image_free(&decoded) }
        let pixels = UInt64(max(limits.maximumPixels, 0))
        let status = bytes.withUnsafeBufferPointer {
            ud2m_png_decode($0.baseAddress, $0.count, pixels, &decoded)
        }
        if status != UD2M_PNG_OK {
            throw error(status, message: withUnsafeBytes(of: decoded.message, cString))
        }
        return DecodedImage(
            image: try image(decoded), format: .png, hadAlpha: decoded.had_alpha != 0, orientation: 1,
            text: ImageText.unpacked(array(decoded.text)),
            warnings: array(decoded.warnings).split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
    }

    /// Encodes an image with its own bit depth, grey or colour.
    ///
    /// The bytes depend only on the image, the text and the zlib version.
    ///
    /// - Throws: `ImageError` with `tooLarge` for a side above 1,000,000 pixels or when memory runs out.
    public static func encode(_ image: ImageBuffer, text: [ImageText] = []) throws(ImageError) -> [UInt8] {
        guard max(image.width, image.height) <= maximumSide else {
            throw ImageError(.tooLarge, "a PNG is written with sides of at most \(maximumSide) pixels.")
        }
        let levels = image.bitDepth == 16 ? image.levels16.withUnsafeBytes(Array.init) : image.levels8
        let packed = ImageText.packed(text)
        var out = ud2m_bytes()
        defer { ud2m_bytes_free(&out) }
        var message = [CChar](repeating: 0, count: Int(UD2M_PNG_MESSAGE_BYTES))
        let status = ud2m_png_encode(
            levels, levels.count, UInt32(image.width), UInt32(image.height), UInt32(image.channels),
            UInt32(image.bitDepth), packed, packed.count, &out, &message)
        if status != UD2M_PNG_OK { throw error(status, message: message.withUnsafeBytes(cString)) }
        return array(out)
    }

    private static let maximumSide = 1_000_000

    private static func image(_ decoded: ud2m_png_image) throws(ImageError) -> ImageBuffer {
        let width = Int(decoded.width)
        let height = Int(decoded.height)
        let channels = Int(decoded.channels)
        let count = try ImageBuffer.sampleCount(width: width, height: height, channels: channels)
        let start = UnsafeRawPointer(decoded.samples)
        if decoded.bit_depth == 16 {
            let levels = UnsafeBufferPointer(start: start?.assumingMemoryBound(to: UInt16.self), count: count)
            let values = try ImageBuffer.planes(width, height, channels, of: levels) { Float($0) / 65535 }
            return ImageBuffer(unchecked: width, height, channels, 16, values)
        }
        let scale = (0...255).map { Float($0) / 255 }
        let levels = UnsafeBufferPointer(start: start?.assumingMemoryBound(to: UInt8.self), count: count)
        let values = try ImageBuffer.planes(width, height, channels, of: levels) { scale[Int($0)] }
        return ImageBuffer(unchecked: width, height, channels, 8, values)
    }

    private static func error(_ status: ud2m_png_status, message: String) -> ImageError {
        switch status {
        case UD2M_PNG_TRUNCATED:
            ImageError(.truncated, "the PNG data ends too early: \(message).", remedy: "Fetch the file again.")
        case UD2M_PNG_TOO_LARGE: ImageError(.tooLarge, "the PNG is over a limit: \(message).")
        case UD2M_PNG_NO_MEMORY: ImageError(.tooLarge, "the PNG does not fit in memory: \(message).")
        case UD2M_PNG_ARGUMENT: ImageError(.invalidArgument, "the PNG cannot be written: \(message).")
        default: ImageError(.corrupt, "the PNG data is damaged: \(message).")
        }
    }

    private static func array(_ bytes: ud2m_bytes) -> [UInt8] {
        Array(UnsafeBufferPointer(start: bytes.data, count: bytes.count))
    }

    private static func cString(_ bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
