import UD2MFormats
import UD2MImaging
import UD2MRuntime

extension Tensor {
    /// An image as a batch of one, [1, C, H, W], its values taken from [0, 1] to [-1, 1].
    init(_ image: ImageBuffer) throws {
        try self.init(
            shape: [1, image.channels, image.height, image.width], values: image.values.map { 2 * $0 - 1 })
    }

    /// The image of a batch of one, its values taken from [-1, 1] to [0, 1] and clamped.
    /// - Throws: `image-shape` unless the shape is [1, C, H, W].
    func image(bitDepth: Int) throws -> ImageBuffer {
        guard shape.count == 4, shape[0] == 1 else {
            throw UD2MError(.imageShape, "A tensor of shape \(shape) is not one image.")
        }
        return try ImageBuffer(
            width: shape[3], height: shape[2], channels: shape[1], bitDepth: bitDepth,
            clamping: values.map { ($0 + 1) / 2 })
    }
}

extension UD2MError.Code {
    /// A tensor that should be one image is not.
    static let imageShape = UD2MError.Code("image-shape", .internalBug)
}
