import UD2MFormats
import UD2MRuntime

/// Which pixels of an image are observed; one mask serves all channels.
public struct Mask: Sendable, Hashable {
    /// Rows.
    public let height: Int
    /// Columns.
    public let width: Int
    /// Whether each pixel is observed, row-major.
    public let kept: [Bool]
    /// How the mask was made, for reports.
    public let summary: String

    /// Creates a mask.
    /// - Throws: `UD2MError` with code `mask-invalid` unless the sides are positive, their product is the number of
    ///   values, and a pixel is observed.
    public init(height: Int, width: Int, kept: [Bool], summary: String = "custom") throws {
        guard height > 0, width > 0, Tensor.elementCount([height, width]) == kept.count else {
            throw UD2MError(.maskInvalid, "A \(width)×\(height) mask cannot have \(kept.count) values.")
        }
        guard kept.contains(true) else {
            throw UD2MError(
                .maskInvalid, "The mask observes no pixel, so there is nothing to restore from.",
                remedy: "White pixels of a mask are known, black ones missing.")
        }
        self.height = height
        self.width = width
        self.kept = kept
        self.summary = summary
    }

    /// Creates a mask from numbers, such as a grey image: a pixel is observed from `threshold` on.
    /// - Throws: `UD2MError` with code `mask-invalid` when the sizes do not fit or a value is not finite.
    public init(height: Int, width: Int, values: [Float], threshold: Float = 0.5) throws {
        guard values.allSatisfy({ $0.isFinite }) else {
            throw UD2MError(.maskInvalid, "A mask's values must be finite numbers.")
        }
        try self.init(height: height, width: width, kept: values.map { $0 >= threshold })
    }

    /// A mask that keeps each pixel with probability `keptFraction`, independently.
    /// - Throws: `UD2MError` with code `mask-invalid` unless the fraction is in 0 ... 1, the size is positive
    ///   and a pixel is kept.
    public static func random(
        height: Int, width: Int, keptFraction: Double, noise: some NoiseSource
    ) throws -> Mask {
        guard (0...1).contains(keptFraction) else {
            throw UD2MError(.maskInvalid, "The kept fraction must lie between 0 and 1, not \(keptFraction).")
        }
        guard height > 0, width > 0, Tensor.elementCount([height, width]) != nil else {
            throw UD2MError(.maskInvalid, "A mask cannot have \(width)×\(height) pixels.")
        }
        let draws = try noise.uniforms(.mask, sample: 0, shape: [height, width])
        return try Mask(
            height: height, width: width, kept: draws.values.map { Double($0) < keptFraction },
            summary: "random \(keptFraction)")
    }

    /// A mask that misses one rectangle.
    /// - Throws: `UD2MError` with code `mask-invalid` unless the rectangle is not empty, lies inside the image and leaves
    ///   a pixel.
    public static func box(
        height: Int, width: Int, top: Int, left: Int, boxHeight: Int, boxWidth: Int
    ) throws -> Mask {
        guard height > 0, width > 0, let count = Tensor.elementCount([height, width]), top >= 0, left >= 0,
            boxHeight > 0, boxWidth > 0, boxHeight <= height, boxWidth <= width, top <= height - boxHeight,
            left <= width - boxWidth
        else {
            throw UD2MError(
                .maskInvalid,
                "A box of \(boxWidth)×\(boxHeight) at column \(left), row \(top) "
                    + "does not lie inside a \(width)×\(height) image.")
        }
        var kept = [Bool](repeating: true, count: count)
        for row in top..<(top + boxHeight) {
            for column in left..<(left + boxWidth) { kept[row * width + column] = false }
        }
        return try Mask(
            height: height, width: width, kept: kept, summary: "box \(top),\(left),\(boxHeight),\(boxWidth)")
    }
}
