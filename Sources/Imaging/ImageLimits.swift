/// Bounds checked before memory is asked for; every one can be raised by the caller.
public struct ImageLimits: Sendable, Hashable {
    /// Most pixels (width × height) of an image: 2²⁸, which is 3.2 GB as three planes of float.
    public var maximumPixels = 1 << 28
    /// Most bytes of an encoded file: 1 GiB.
    public var maximumFileBytes = 1 << 30

    /// The default limits.
    public init() {}

    /// Throws `tooLarge` when `width` × `height` is over the limit. Both are positive.
    func check(width: Int, height: Int) throws(ImageError) {
        let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
        if overflow || pixels > maximumPixels {
            throw ImageError(
                .tooLarge, "the image declares \(width) × \(height) pixels; the limit is \(maximumPixels).")
        }
    }
}
