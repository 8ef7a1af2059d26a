extension ImageBuffer {
    /// The image at another size; the aspect ratio is not kept.
    ///
    /// Rows and columns are filtered one after the other in double precision and rounded to float between. What the
    /// cubic kernel overshoots is moved back into [0, 1].
    ///
    /// - Parameters:
    ///   - newWidth: Pixels in a row, at least 1.
    ///   - newHeight: Rows, at least 1.
    ///   - filter: The kernel.
    ///   - antialias: Whether the kernel grows with the reduction when the image shrinks; `nearest` and `cornerBilinear` never do.
    ///   - limits: The largest result.
    /// - Returns: The resized image, with the same channels and bit depth.
    /// - Throws: `ImageError` with `invalidArgument` for a size below 1 and `tooLarge` for one above the limit.
    public func resized(
        width newWidth: Int, height newHeight: Int, filter: ResizeFilter = .bicubic, antialias: Bool = true,
        limits: ImageLimits = ImageLimits()
    ) throws(ImageError) -> ImageBuffer {
        guard newWidth > 0, newHeight > 0 else {
            throw ImageError(.invalidArgument, "an image is resized to at least 1 × 1, not \(newWidth) × \(newHeight).")
        }
        try limits.check(width: newWidth, height: newHeight)
        // The image between the two passes has the new width and the old height.
        try limits.check(width: newWidth, height: height)
        let columns = filter.taps(from: width, to: newWidth, antialias: antialias)
        let rows = filter.taps(from: height, to: newHeight, antialias: antialias)
        let wide = Self.filteredRows(values, width: width, taps: columns)
        let out = Self.filteredColumns(wide, width: newWidth, height: height, channels: channels, taps: rows)
        return ImageBuffer(
            unchecked: newWidth, newHeight, channels, bitDepth, out.map { min(max($0, 0), 1) })
    }

    /// Every row of `values` filtered to as many samples as there are taps.
    private static func filteredRows(_ values: [Float], width: Int, taps: [ResizeFilter.Taps]) -> [Float] {
        var out: [Float] = []
        out.reserveCapacity(values.count / width * taps.count)
        for start in stride(from: 0, to: values.count, by: width) {
            for tap in taps {
                var sum = 0.0
                for (index, weight) in tap.weights.enumerated() {
                    sum += weight * Double(values[start + tap.first + index])
                }
                out.append(Float(sum))
            }
        }
        return out
    }

    /// Every plane filtered to as many rows as there are taps.
    private static func filteredColumns(
        _ values: [Float], width: Int, height: Int, channels: Int, taps: [ResizeFilter.Taps]
    ) -> [Float] {
        var out: [Float] = []
        out.reserveCapacity(width * taps.count * channels)
        var sums = [Double](repeating: 0, count: width)
        for channel in 0..<channels {
            for tap in taps {
                for column in 0..<width { sums[column] = 0 }
                for (index, weight) in tap.weights.enumerated() {
                    let start = (channel * height + tap.first + index) * width
                    for column in 0..<width { sums[column] += weight * Double(values[start + column]) }
                }
                out.append(contentsOf: sums.lazy.map { Float($0) })
            }
        }
        return out
    }
}
