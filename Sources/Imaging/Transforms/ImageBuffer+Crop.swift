/// What a padded image shows outside the original.
public enum ImagePadding: Sendable, Hashable {
    /// One value in [0, 1].
    case constant(Float)
    /// The nearest pixel of the border.
    case edge
    /// The image mirrored about its border pixel, which is not repeated; mirrored again where one mirror is too small.
    case reflect
}

extension ImageBuffer {
    /// The rectangle whose top left corner is at column `x` and row `y`.
    ///
    /// - Throws: `ImageError` with `invalidArgument` when the rectangle is empty or not inside the image.
    public func cropped(x: Int, y: Int, width newWidth: Int, height newHeight: Int) throws(ImageError) -> ImageBuffer {
        // Differences, not sums: no operand near Int.max can overflow here.
        guard newWidth > 0, newHeight > 0, x >= 0, y >= 0, newWidth <= width, newHeight <= height,
            x <= width - newWidth, y <= height - newHeight
        else {
            throw ImageError(
                .invalidArgument,
                "a crop of \(newWidth) × \(newHeight) at (\(x), \(y)) is not inside \(width) × \(height).")
        }
        return gathered(rows: Array(y..<(y + newHeight)), columns: Array(x..<(x + newWidth)))
    }

    /// The middle of the image; where the margin is odd, the extra pixel is cut at the right and the bottom.
    ///
    /// - Throws: `ImageError` with `invalidArgument` when the image is smaller than the crop.
    public func centerCropped(width newWidth: Int, height newHeight: Int) throws(ImageError) -> ImageBuffer {
        guard newWidth <= width, newHeight <= height else {
            throw ImageError(
                .invalidArgument, "a crop of \(newWidth) × \(newHeight) is larger than \(width) × \(height).")
        }
        return try cropped(
            x: (width - max(newWidth, 0)) / 2, y: (height - max(newHeight, 0)) / 2, width: newWidth, height: newHeight)
    }

    /// The image with pixels added on each side.
    ///
    /// - Throws: `ImageError` with `invalidArgument` for a negative count or a constant outside [0, 1], and `tooLarge`
    ///   when the result passes `limits`.
    public func padded(
        left: Int = 0, top: Int = 0, right: Int = 0, bottom: Int = 0, with padding: ImagePadding,
        limits: ImageLimits = ImageLimits()
    ) throws(ImageError) -> ImageBuffer {
        guard min(left, top, right, bottom) >= 0 else {
            throw ImageError(.invalidArgument, "an image is padded by zero or more pixels.")
        }
        let most = Int(Int32.max)
        guard max(left, top, right, bottom, width, height) <= most else {
            throw ImageError(.tooLarge, "the padded image is too large.")
        }
        try limits.check(width: left + width + right, height: top + height + bottom)
        let rows = (-top..<(height + bottom)).map { padding.source(of: $0, count: height) }
        let columns = (-left..<(width + right)).map { padding.source(of: $0, count: width) }
        guard case .constant(let value) = padding else {
            return gathered(rows: rows.compactMap(\.self), columns: columns.compactMap(\.self))
        }
        guard value >= 0, value <= 1 else {
            throw ImageError(.invalidArgument, "the padding's value is outside [0, 1].")
        }
        var canvas = ImageCanvas(
            width: left + width + right, height: top + height + bottom, channels: channels, filledWith: value)
        canvas.draw(self, x: left, y: top)
        return canvas.image(bitDepth: bitDepth)
    }

    /// The image made of the given rows and columns, all inside.
    private func gathered(rows: [Int], columns: [Int]) -> ImageBuffer {
        var out: [Float] = []
        out.reserveCapacity(channels * rows.count * columns.count)
        for channel in 0..<channels {
            for row in rows {
                let start = (channel * height + row) * width
                for column in columns { out.append(values[start + column]) }
            }
        }
        return ImageBuffer(unchecked: columns.count, rows.count, channels, bitDepth, out)
    }
}

extension ImagePadding {
    /// The row or column that shows at `index`, which may be outside 0 ..< `count`; nil where a constant shows.
    fileprivate func source(of index: Int, count: Int) -> Int? {
        switch self {
        case .constant: return nil
        case .edge: return min(max(index, 0), count - 1)
        case .reflect:
            guard count > 1 else { return 0 }
            let period = 2 * (count - 1)
            let phase = ((index % period) + period) % period
            return phase < count ? phase : period - phase
        }
    }
}
