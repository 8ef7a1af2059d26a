import UD2MImaging
import UD2MRuntime

/// How an image becomes the input of the Inception network; programs differ, and so do their numbers
/// (`networks.md` §5).
package enum InceptionPipeline: String, CaseIterable, Sendable, Encodable {
    /// [0, 1], bilinear with centred pixels and no antialiasing, 2x - 1.
    case pytorchFID = "pytorch-fid"
    /// 8-bit levels, TensorFlow 1's bilinear, (x - 128) / 128.
    case torchFidelity = "torch-fidelity"
    /// 8-bit levels, antialiased bicubic kept in floats and clipped, (x - 128) / 128; pyiqa does the same.
    case cleanFID = "clean-fid"
    /// 8-bit levels, antialiased bilinear, (x - 128) / 128: torchmetrics unless told otherwise.
    case torchmetrics

    /// The side of the network's input.
    package static let side = 299

    /// The input [1, 3, 299, 299] of an image; a grey one becomes three equal channels.
    /// - Throws: ``UD2MImaging/ImageError`` as resizing does.
    package func input(of image: ImageBuffer) throws -> Tensor {
        let (filter, antialias): (ResizeFilter, Bool) =
            switch self {
            case .pytorchFID: (.bilinear, false)
            case .torchFidelity: (.cornerBilinear, false)
            case .cleanFID: (.bicubic, true)
            case .torchmetrics: (.bilinear, true)
            }
        let source = try self == .pytorchFID ? image : image.quantized
        let resized = try source.resized(width: Self.side, height: Self.side, filter: filter, antialias: antialias)
        let values = resized.color.values.map { value in
            self == .pytorchFID ? 2 * value - 1 : (255 * value - 128) / 128
        }
        return try Tensor(shape: [1, 3, Self.side, Self.side], values: values)
    }
}

extension ImageBuffer {
    /// The image with its samples rounded to 8-bit levels.
    fileprivate var quantized: ImageBuffer {
        get throws {
            guard bitDepth != 8 else { return self }
            return try ImageBuffer(width: width, height: height, channels: channels, levels8: levels8)
        }
    }
}
