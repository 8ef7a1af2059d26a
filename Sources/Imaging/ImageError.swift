/// What went wrong with an image, and how to mend it: the one error type of this module.
///
/// The module imports nothing of the toolkit, so the command-line tools turn ``Code-swift.enum`` into their own error.
/// Tests assert the code and the path, never the wording.
public struct ImageError: Error, Sendable, Hashable {
    /// The machine-readable reason.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The bytes are no image at all (text, a web page, an archive, nothing).
        case notAnImage = "image-not-an-image"
        /// An image of a kind that is not read or written here, named in the message.
        case unsupportedKind = "image-unsupported-kind"
        /// The bytes end before the image does.
        case truncated = "image-truncated"
        /// The bytes break a rule of their format.
        case corrupt = "image-corrupt"
        /// The image is over a limit, or does not fit in memory.
        case tooLarge = "image-too-large"
        /// The caller asked for something that makes no sense, such as a width of zero.
        case invalidArgument = "image-invalid-argument"
        /// The input file does not exist or cannot be opened.
        case noInput = "image-no-input"
        /// The output cannot be created, or exists and may not be replaced.
        case cannotCreate = "image-cannot-create"
        /// Reading or writing failed half-way.
        case inputOutput = "image-input-output"
    }

    /// The machine-readable reason.
    public var code: Code
    /// One sentence for a person: what was found and which rule it breaks.
    public var message: String
    /// The file's path as the caller gave it; nil for images in memory.
    public var path: String?
    /// What to do next, when there is something to do.
    public var remedy: String?

    /// Creates an error.
    public init(_ code: Code, _ message: String, path: String? = nil, remedy: String? = nil) {
        self.code = code
        self.message = message
        self.path = path
        self.remedy = remedy
    }

    /// A copy that names `path` where no path is known yet.
    func located(at path: String) -> ImageError {
        var copy = self
        copy.path = self.path ?? path
        return copy
    }
}

extension ImageError: CustomStringConvertible {
    /// The path, message, remedy and code on one line.
    public var description: String {
        let prefix = path.map { "\($0): " } ?? ""
        let suffix = remedy.map { " \($0)" } ?? ""
        return "\(prefix)\(message)\(suffix) [\(code.rawValue)]"
    }
}
