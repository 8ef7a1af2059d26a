/// The marker segments of a JPEG up to its first scan: what TurboJPEG's API does not tell.
///
/// It refuses by name the kinds that are not read (arithmetic coding, lossless, hierarchical, 12 bits, CMYK) before
/// any decoder runs, and finds the EXIF orientation.
struct JPEGHeader: Equatable {
    /// Stored pixels in a row, before orientation.
    let width: Int
    /// Stored rows, before orientation.
    let height: Int
    /// 1 or 3.
    let components: Int
    /// The EXIF orientation, 1–8; 1 when there is none or it makes no sense.
    let orientation: Int

    /// Reads the segments.
    ///
    /// - Throws: `ImageError` with `truncated`, `corrupt` or `unsupportedKind`.
    init(_ bytes: [UInt8]) throws(ImageError) {
        var position = 2
        var frame: (width: Int, height: Int, components: Int)?
        var orientation: Int?
        while true {
            let marker = try Self.marker(in: bytes, at: &position)
            if marker == 0xD9 { throw ImageError(.truncated, "the JPEG data holds no picture.") }
            guard position + 2 <= bytes.count else { throw Self.tooShort }
            let length = Self.big16(bytes, position)
            guard length >= 2 else { throw ImageError(.corrupt, "a JPEG segment is shorter than its own length.") }
            guard position + length <= bytes.count else { throw Self.tooShort }
            let segment = bytes[(position + 2)..<(position + length)]
            position += length
            if marker == 0xDA { break }
            if marker == 0xE1, orientation == nil { orientation = EXIF.orientation(in: segment) }
            if Self.isFrame(marker) {
                guard frame == nil else { throw ImageError(.corrupt, "the JPEG declares two pictures.") }
                frame = try Self.frame(marker, Array(segment))
            }
        }
        guard let frame else { throw ImageError(.corrupt, "the JPEG has a scan but declares no size.") }
        self.width = frame.width
        self.height = frame.height
        self.components = frame.components
        self.orientation = orientation ?? 1
    }

    private static let tooShort = ImageError(
        .truncated, "the JPEG data ends inside its header.", remedy: "Fetch the file again.")

    /// The next marker that has a segment; fill bytes before it are legal.
    private static func marker(in bytes: [UInt8], at position: inout Int) throws(ImageError) -> UInt8 {
        guard position + 2 <= bytes.count else { throw tooShort }
        guard bytes[position] == 0xFF else { throw ImageError(.corrupt, "a JPEG marker is missing.") }
        while position < bytes.count, bytes[position] == 0xFF { position += 1 }
        guard position < bytes.count else { throw tooShort }
        defer { position += 1 }
        return bytes[position]
    }

    /// Whether a marker is a start of frame: SOF0–SOF15 without DHT, JPG and DAC.
    private static func isFrame(_ marker: UInt8) -> Bool {
        (0xC0...0xCF).contains(marker) && marker != 0xC4 && marker != 0xC8 && marker != 0xCC
    }

    private static func frame(
        _ marker: UInt8, _ segment: [UInt8]
    ) throws(ImageError) -> (width: Int, height: Int, components: Int) {
        guard segment.count >= 6 else { throw ImageError(.corrupt, "the JPEG's frame header is too short.") }
        // Baseline, extended and progressive, all with Huffman codes; the rest are seldom met.
        switch marker {
        case 0xC0...0xC2: break
        case 0xC3, 0xC7, 0xCB, 0xCF: throw unsupported("a lossless JPEG")
        case 0xC9, 0xCA: throw unsupported("an arithmetic-coded JPEG")
        default: throw unsupported("a hierarchical JPEG")
        }
        guard segment[0] == 8 else { throw unsupported("a JPEG with \(segment[0]) bits a sample") }
        let components = Int(segment[5])
        if components == 4 { throw unsupported("a CMYK JPEG") }
        guard components == 1 || components == 3 else { throw unsupported("a JPEG of \(components) components") }
        let height = big16(segment, 1)
        let width = big16(segment, 3)
        guard width > 0, height > 0 else { throw ImageError(.corrupt, "the JPEG declares a size of zero.") }
        return (width, height, components)
    }

    private static func unsupported(_ name: String) -> ImageError {
        ImageError(
            .unsupportedKind, "this is \(name), which is not read here.",
            remedy: "Convert it to PNG or to a baseline JPEG in grey or RGB first.")
    }

    private static func big16(_ bytes: [UInt8], _ position: Int) -> Int {
        Int(bytes[position]) << 8 | Int(bytes[position + 1])
    }
}
