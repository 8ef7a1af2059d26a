/// A picture being composed: planes that images are copied onto.
struct ImageCanvas {
    let width: Int
    let height: Int
    let channels: Int
    private var values: [Float]

    /// Creates a canvas of one value in [0, 1]; the sizes have been checked.
    init(width: Int, height: Int, channels: Int, filledWith value: Float) {
        self.width = width
        self.height = height
        self.channels = channels
        values = [Float](repeating: value, count: width * height * channels)
    }

    /// Copies an image of as many channels to column `x` and row `y`, where it fits.
    mutating func draw(_ image: ImageBuffer, x: Int, y: Int) {
        for channel in 0..<channels {
            for row in 0..<image.height {
                let from = (channel * image.height + row) * image.width
                let to = (channel * height + y + row) * width + x
                values.replaceSubrange(to..<(to + image.width), with: image.values[from..<(from + image.width)])
            }
        }
    }

    /// The finished picture.
    func image(bitDepth: Int) -> ImageBuffer {
        ImageBuffer(unchecked: width, height, channels, bitDepth, values)
    }
}
