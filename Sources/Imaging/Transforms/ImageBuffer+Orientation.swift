extension ImageBuffer {
    /// The image turned upright from a stored EXIF orientation.
    ///
    /// 1 upright, 2 mirrored, 3 upside down, 4 flipped, 5 transposed, 6 turned left (shown by turning right), 7 transposed
    /// the other way, 8 turned right. Any other number leaves the image as it is.
    public func oriented(_ orientation: Int) -> ImageBuffer {
        guard (2...8).contains(orientation) else { return self }
        // Every orientation is an optional transposition of the stored image followed by mirrors of the shown one.
        let isTransposed = orientation >= 5
        let mirrorsColumns = [2, 3, 6, 7].contains(orientation)
        let mirrorsRows = [3, 4, 7, 8].contains(orientation)
        let newWidth = isTransposed ? height : width
        let newHeight = isTransposed ? width : height
        var out: [Float] = []
        out.reserveCapacity(values.count)
        for channel in 0..<channels {
            let plane = channel * width * height
            for row in 0..<newHeight {
                let y = mirrorsRows ? newHeight - 1 - row : row
                for column in 0..<newWidth {
                    let x = mirrorsColumns ? newWidth - 1 - column : column
                    out.append(values[plane + (isTransposed ? x * width + y : y * width + x)])
                }
            }
        }
        return ImageBuffer(unchecked: newWidth, newHeight, channels, bitDepth, out)
    }
}
