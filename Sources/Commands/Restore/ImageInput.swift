import UD2MFormats
import UD2MImaging

/// Images that commands read.
enum ImageInput {
    /// Reads an image, and says so when it had an alpha channel, which is dropped.
    static func read(_ path: String) throws -> ImageBuffer {
        let decoded = try ImageFile.read(path)
        if decoded.hadAlpha {
            StandardError.print("note: \(path.escapedForDisplay): its alpha channel is left out.")
        }
        return decoded.image
    }
}
