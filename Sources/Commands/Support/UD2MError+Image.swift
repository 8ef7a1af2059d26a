import UD2MFormats
import UD2MImaging

extension UD2MError {
    /// The toolkit's error for an image's, code and all.
    init(_ error: ImageError) {
        self.init(
            Code(error.code.rawValue, Category(error.code)), error.message, at: .init(file: error.path),
            remedy: error.remedy)
    }
}

extension UD2MError.Category {
    /// The family of an image error.
    init(_ code: ImageError.Code) {
        switch code {
        case .notAnImage, .unsupportedKind, .truncated, .corrupt, .tooLarge: self = .badData
        case .invalidArgument: self = .usage
        case .noInput: self = .noInput
        case .cannotCreate: self = .cannotCreate
        case .inputOutput: self = .inputOutput
        }
    }
}
