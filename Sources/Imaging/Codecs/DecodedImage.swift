/// An image and what its file said about it.
public struct DecodedImage: Sendable, Hashable {
    /// The picture, upright.
    public let image: ImageBuffer
    /// The format it was stored in.
    public let format: ImageFormat
    /// Whether an alpha channel or a transparent colour was dropped; the colours behind it are kept as stored.
    public let hadAlpha: Bool
    /// The EXIF orientation of a JPEG, 1–8, already applied to `image`; 1 when there is none.
    public let orientation: Int
    /// The text chunks of a PNG, in file order.
    public let text: [ImageText]
    /// What the codec complained about without failing.
    public let warnings: [String]
}
