/// An image as planes of floating-point samples.
///
/// Values are channel-major and row-major from the top left: the sample of channel `c`, row `y`, column `x` is
/// `values[(c * height + y) * width + x]`, which is the layout networks take (NCHW with N = 1). They are the stored
/// levels divided by the highest level, so 0 is black and 1 is full scale: sRGB values as files hold them, not light.
public struct ImageBuffer: Sendable, Hashable {
    /// Pixels in a row, at least 1.
    public let width: Int
    /// Rows, at least 1.
    public let height: Int
    /// 1 (grey) or 3 (red, green, blue).
    public let channels: Int
    /// Bits of a sample in the file the image came from or goes to: 8 or 16.
    public let bitDepth: Int
    /// The samples, each in [0, 1]; `channels` × `height` × `width` of them.
    public let values: [Float]

    /// Creates an image from samples that are already in [0, 1].
    ///
    /// - Throws: `ImageError` with `invalidArgument` when a size, the channel count or the bit depth is not allowed,
    ///   when the number of samples is not their product, or when a sample is outside [0, 1] or not a number.
    public init(width: Int, height: Int, channels: Int, bitDepth: Int = 8, values: [Float]) throws(ImageError) {
        try Self.check(width: width, height: height, channels: channels, bitDepth: bitDepth, count: values.count)
        // A comparison with NaN is false, so NaN fails too.
        guard values.allSatisfy({ $0 >= 0 && $0 <= 1 }) else {
            throw ImageError(.invalidArgument, "an image sample is outside [0, 1].")
        }
        self.init(unchecked: width, height, channels, bitDepth, values)
    }

    /// Creates an image from any finite or infinite samples, moving those outside [0, 1] to the nearer end.
    ///
    /// - Throws: `ImageError` with `invalidArgument` as ``init(width:height:channels:bitDepth:values:)`` does, and for
    ///   a sample that is not a number.
    public init(width: Int, height: Int, channels: Int, bitDepth: Int = 8, clamping values: [Float]) throws(ImageError)
    {
        try Self.check(width: width, height: height, channels: channels, bitDepth: bitDepth, count: values.count)
        guard !values.contains(where: \.isNaN) else {
            throw ImageError(.invalidArgument, "an image sample is not a number.")
        }
        self.init(unchecked: width, height, channels, bitDepth, values.map { min(max($0, 0), 1) })
    }

    /// Creates an image of one value.
    ///
    /// - Throws: `ImageError` with `invalidArgument` as ``init(width:height:channels:bitDepth:values:)`` does.
    public init(width: Int, height: Int, channels: Int, bitDepth: Int = 8, filledWith value: Float) throws(ImageError) {
        let count = try Self.sampleCount(width: width, height: height, channels: channels)
        try self.init(
            width: width, height: height, channels: channels, bitDepth: bitDepth,
            values: [Float](repeating: value, count: count))
    }

    /// Creates an image whose parts the caller has proved to fit.
    init(unchecked width: Int, _ height: Int, _ channels: Int, _ bitDepth: Int, _ values: [Float]) {
        self.width = width
        self.height = height
        self.channels = channels
        self.bitDepth = bitDepth
        self.values = values
    }

    /// The sample of one channel, or nil outside the image.
    public subscript(channel: Int, row: Int, column: Int) -> Float? {
        guard (0..<channels).contains(channel), (0..<height).contains(row), (0..<width).contains(column) else {
            return nil
        }
        return values[(channel * height + row) * width + column]
    }

    /// The same image marked as holding `bitDepth` bits a sample, 8 or 16; samples keep their value until it is written.
    ///
    /// - Throws: `ImageError` with `invalidArgument` for another depth.
    public func withBitDepth(_ bitDepth: Int) throws(ImageError) -> ImageBuffer {
        try Self.check(width: width, height: height, channels: channels, bitDepth: bitDepth, count: values.count)
        return ImageBuffer(unchecked: width, height, channels, bitDepth, values)
    }

    private static func check(
        width: Int, height: Int, channels: Int, bitDepth: Int, count: Int
    ) throws(ImageError) {
        let expected = try sampleCount(width: width, height: height, channels: channels)
        guard bitDepth == 8 || bitDepth == 16 else {
            throw ImageError(.invalidArgument, "an image has 8 or 16 bits a sample, not \(bitDepth).")
        }
        guard count == expected else {
            throw ImageError(
                .invalidArgument,
                "\(channels) × \(height) × \(width) samples are \(expected), but \(count) were given.")
        }
    }

    /// The number of samples of an image, with every factor checked.
    static func sampleCount(width: Int, height: Int, channels: Int) throws(ImageError) -> Int {
        guard channels == 1 || channels == 3 else {
            throw ImageError(.invalidArgument, "an image has 1 or 3 channels, not \(channels).")
        }
        guard width > 0, height > 0 else {
            throw ImageError(.invalidArgument, "an image is at least 1 × 1, not \(width) × \(height).")
        }
        let (plane, planeOverflow) = width.multipliedReportingOverflow(by: height)
        let (count, countOverflow) = plane.multipliedReportingOverflow(by: channels)
        guard !planeOverflow, !countOverflow else {
            throw ImageError(.tooLarge, "\(width) × \(height) × \(channels) samples cannot be counted.")
        }
        return count
    }
}
