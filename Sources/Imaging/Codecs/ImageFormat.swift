/// A file format that can be read and written.
public enum ImageFormat: String, Sendable, Hashable, CaseIterable {
    /// Portable Network Graphics: exact, 8 or 16 bits a sample.
    case png
    /// JPEG: lossy, 8 bits a sample.
    case jpeg

    /// The format that a path's suffix asks for, whatever its letter case: `.png`, `.jpg` or `.jpeg`.
    ///
    /// - Throws: `ImageError` with `unsupportedKind` for another suffix or none.
    public init(writingTo path: String) throws(ImageError) {
        let name = path.split(separator: "/").last ?? ""
        let suffix = name.lastIndex(of: ".").map { name[$0...].lowercased() }
        switch suffix {
        case ".png": self = .png
        case ".jpg", ".jpeg": self = .jpeg
        default:
            throw ImageError(
                .unsupportedKind,
                "images are written as PNG or JPEG, and \(suffix.map { "\($0) names neither" } ?? "the name has no suffix").",
                path: path, remedy: "End the name with .png, .jpg or .jpeg.")
        }
    }

    /// The format of a file's bytes, found by content and never by name.
    ///
    /// - Throws: `ImageError` with `unsupportedKind` for an image of another kind and `notAnImage` for anything else;
    ///   the message names what the bytes look like.
    public init(sniffing bytes: [UInt8]) throws(ImageError) {
        let looks = LookAlike(bytes)
        switch looks {
        case .format(let format): self = format
        case .otherImage(let name):
            throw ImageError(
                .unsupportedKind, "this is \(name), which is not read here.", remedy: "Convert it to PNG first.")
        case .notAnImage(let name):
            throw ImageError(.notAnImage, "this is \(name), not an image.", remedy: "PNG and JPEG are read.")
        }
    }
}
