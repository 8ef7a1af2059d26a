import UD2MRuntime

/// Enlarges images at the bottom and right by mirroring, so that a network accepts their size.
struct ReflectPadding {
    let shape: ImageShape
    let paddedHeight: Int
    let paddedWidth: Int

    /// Plans the padding to the next multiple of `multiple` on both sides.
    init(_ shape: ImageShape, multiple: Int) {
        self.shape = shape
        paddedHeight = Self.roundUp(shape.height, multiple)
        paddedWidth = Self.roundUp(shape.width, multiple)
    }

    /// Whether the images have the right size already.
    var isNeeded: Bool { paddedHeight != shape.height || paddedWidth != shape.width }

    /// The padded images.
    func pad(_ images: Tensor) throws -> Tensor {
        let rows = (0..<paddedHeight).map { Self.mirror($0, shape.height) }
        let columns = (0..<paddedWidth).map { Self.mirror($0, shape.width) }
        return try gather(images, rows: rows, columns: columns, sourceHeight: shape.height, sourceWidth: shape.width)
    }

    /// The part of padded images that the original images had.
    func crop(_ images: Tensor) throws -> Tensor {
        try gather(
            images, rows: Array(0..<shape.height), columns: Array(0..<shape.width), sourceHeight: paddedHeight,
            sourceWidth: paddedWidth)
    }

    private func gather(
        _ images: Tensor, rows: [Int], columns: [Int], sourceHeight: Int, sourceWidth: Int
    ) throws -> Tensor {
        var values: [Float] = []
        values.reserveCapacity(shape.images * shape.channels * rows.count * columns.count)
        for plane in 0..<shape.images * shape.channels {
            for row in rows {
                let start = (plane * sourceHeight + row) * sourceWidth
                for column in columns { values.append(images.values[start + column]) }
            }
        }
        return try Tensor(shape: [shape.images, shape.channels, rows.count, columns.count], values: values)
    }

    /// Reflects an index into 0 ..< `size` without repeating the edge; a single line is repeated.
    private static func mirror(_ index: Int, _ size: Int) -> Int {
        guard size > 1 else { return 0 }
        let period = 2 * (size - 1)
        let folded = index % period
        return min(folded, period - folded)
    }

    private static func roundUp(_ size: Int, _ multiple: Int) -> Int {
        (size + multiple - 1) / multiple * multiple
    }
}
