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

    init?(argument: String) {
        // The reference code's spelling of inpainting is accepted as well.
        self.init(rawValue: argument == "inp" ? "inpaint" : argument)
    }

    static var allValueStrings: [String] { allCases.map(\.rawValue) }
}
