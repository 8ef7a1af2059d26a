import ArgumentParser

/// What was done to the image that is to be undone.
enum RestorationTask: String, Codable, CaseIterable, ExpressibleByArgument {
    /// Blurred by a kernel.
    case deblur
    /// Pixels lost.
    case inpaint
    /// Sampled at a lower resolution.
    case superResolution = "sr"
    /// Compressed as JPEG.
    case jpeg
    /// Nothing but noise added.
    case denoise
    /// Measured by a few numbers that depend on every pixel.
    case compressedSensing = "cs"
    /// Seen several times, through an operator each time: in operator files only.
    case stacked

    init?(argument: String) {
        // The reference code's spelling of inpainting is accepted as well.
        self.init(rawValue: argument == "inp" ? "inpaint" : argument)
        if self == .stacked { return nil }
    }

    static var allValueStrings: [String] { allCases.filter { $0 != .stacked }.map(\.rawValue) }
}
