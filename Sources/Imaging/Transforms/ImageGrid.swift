/// Several images side by side, for looking at before and after.
public struct ImageGrid: Sendable, Hashable {
    /// Images in a row, at least 1.
    public var columns: Int
    /// Pixels around and between the images, at least 0.
    public var margin: Int
    /// The value of the margin and of the space around smaller images, in [0, 1].
    public var background: Float

    /// Creates a layout.
    public init(columns: Int, margin: Int = 4, background: Float = 1) {
        self.columns = columns
        self.margin = margin
        self.background = background
    }

    /// Composes the images, row by row.
    ///
    /// All cells have the size of the widest and the highest image. A smaller image is enlarged by the largest whole
    /// factor that fits, by nearest neighbour so that its pixels stay visible, and centred. Grey images become colour
    /// when any image is in colour. The result has 16 bits a sample when any image has.
    ///
    /// - Throws: `ImageError` with `invalidArgument` for no images or a layout that makes no sense, and `tooLarge` when
    ///   the result passes `limits`.
    public func compose(_ images: [ImageBuffer], limits: ImageLimits = ImageLimits()) throws(ImageError) -> ImageBuffer
    {
        guard let cellWidth = images.map(\.width).max(), let cellHeight = images.map(\.height).max() else {
            throw ImageError(.invalidArgument, "a grid needs an image.")
        }
        guard columns > 0, margin >= 0, margin <= 1 << 16, background >= 0, background <= 1 else {
            throw ImageError(
                .invalidArgument, "a grid needs a column or more, a margin of 0 to 65536 and a background in [0, 1].")
        }
        let used = min(columns, images.count)
        let rows = (images.count + used - 1) / used
        let width = try Self.side(cells: used, size: cellWidth, margin: margin)
        let height = try Self.side(cells: rows, size: cellHeight, margin: margin)
        try limits.check(width: width, height: height)

        let isColor = images.contains { $0.channels == 3 }
        var canvas = ImageCanvas(width: width, height: height, channels: isColor ? 3 : 1, filledWith: background)
        for (index, image) in images.enumerated() {
            let factor = min(cellWidth / image.width, cellHeight / image.height)
            let enlarged = try image.resized(
                width: image.width * factor, height: image.height * factor, filter: .nearest, limits: limits)
            canvas.draw(
                isColor ? enlarged.color : enlarged,
                x: margin + (index % used) * (cellWidth + margin) + (cellWidth - enlarged.width) / 2,
                y: margin + (index / used) * (cellHeight + margin) + (cellHeight - enlarged.height) / 2)
        }
        return canvas.image(bitDepth: images.map(\.bitDepth).max() ?? 8)
    }

    private static func side(cells: Int, size: Int, margin: Int) throws(ImageError) -> Int {
        let (step, stepOverflow) = size.addingReportingOverflow(margin)
        let (all, allOverflow) = step.multipliedReportingOverflow(by: cells)
        let (side, sideOverflow) = all.addingReportingOverflow(margin)
        guard !stepOverflow, !allOverflow, !sideOverflow else { throw ImageError(.tooLarge, "the grid is too large.") }
        return side
    }
}
