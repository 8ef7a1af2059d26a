/// What the first bytes of a file look like, in words for a message.
enum LookAlike: Equatable {
    /// A format that is read here.
    case format(ImageFormat)
    /// An image of another kind, with an article.
    case otherImage(String)
    /// Something else, with an article.
    case notAnImage(String)

    /// Looks at the start of `bytes`.
    init(_ bytes: [UInt8]) {
        let head = Array(bytes.prefix(512))
        if head.isEmpty {
            self = .notAnImage("an empty file")
        } else if head.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .format(.png)
        } else if head.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .format(.jpeg)
        } else if let image = Self.otherImage(head) {
            self = .otherImage(image)
        } else {
            self = .notAnImage(Self.otherFile(head))
        }
    }

    private static func otherImage(_ head: [UInt8]) -> String? {
        for (signature, offset, name) in images where head.dropFirst(offset).starts(with: signature.utf8) {
            return name
        }
        // A bitmap's header repeats the length of its information block, which tells it from text that starts with BM.
        if head.starts(with: "BM".utf8), head.count >= 18, head[15...17].allSatisfy({ $0 == 0 }) {
            return "a BMP image"
        }
        if head.starts(with: [0x89, 0x50, 0x4E, 0x47]) { return "a PNG image damaged by a text-mode transfer" }
        if head.starts(with: [0xFF, 0x0A]) { return "a JPEG XL image" }
        if head.starts(with: [0xFF, 0x4F, 0xFF, 0x51]) { return "a JPEG 2000 codestream" }
        if head.starts(with: [0x76, 0x2F, 0x31, 0x01]) { return "an OpenEXR image" }
        if head.starts(with: [0x49, 0x49, 0x2A, 0x00]) || head.starts(with: [0x4D, 0x4D, 0x00, 0x2A]) {
            return "a TIFF image"
        }
        if head.count >= 3, head[0] == UInt8(ascii: "P"), (UInt8(ascii: "1")...UInt8(ascii: "7")).contains(head[1]),
            isSpace(head[2])
        {
            return "a PNM image"
        }
        return text(head).contains("<svg") ? "an SVG drawing" : nil
    }

    private static let images: [(signature: String, offset: Int, name: String)] = [
        ("GIF87a", 0, "a GIF image"), ("GIF89a", 0, "a GIF image"), ("WEBP", 8, "a WebP image"),
        ("ftypavif", 4, "an AVIF image"), ("ftypavis", 4, "an AVIF image"), ("ftypheic", 4, "a HEIC image"),
        ("ftypheix", 4, "a HEIC image"), ("ftypmif1", 4, "a HEIF image"), ("ftypmsf1", 4, "a HEIF image"),
        ("JXL ", 4, "a JPEG XL image"), ("jP  ", 4, "a JPEG 2000 image"), ("8BPS", 0, "a Photoshop image"),
        ("#?RADIANCE", 0, "a Radiance HDR image"),
    ]

    private static func otherFile(_ head: [UInt8]) -> String {
        let text = text(head)
        if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") {
            return "a web page (perhaps an error page saved in place of the download)"
        }
        if text.hasPrefix("version https://git-lfs") { return "a Git LFS pointer (the image itself was not fetched)" }
        if text.hasPrefix("<?xml") { return "an XML document" }
        if text.hasPrefix("%pdf-") { return "a PDF document" }
        if head.starts(with: [0x93] + "NUMPY".utf8) { return "a NumPy array" }
        if head.starts(with: [0x50, 0x4B, 0x03, 0x04]) { return "a zip archive" }
        if head.starts(with: [0x1F, 0x8B]) { return "a gzip file" }
        if head.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || isSpace($0) }) { return "text" }
        return head.allSatisfy { $0 == 0 } ? "a run of zero bytes" : "an unknown kind of file"
    }

    /// The head in lower case without leading white space or byte order mark; bytes above ASCII become `?`.
    private static func text(_ head: [UInt8]) -> String {
        let body = head.starts(with: [0xEF, 0xBB, 0xBF]) ? head.dropFirst(3) : head[...]
        let scalars = body.drop(while: isSpace).map { Unicode.Scalar($0 < 0x80 ? $0 : UInt8(ascii: "?")) }
        return String(String.UnicodeScalarView(scalars)).lowercased()
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
