import UD2MFormats
import UD2MRuntime

/// The four sizes of a batch of images in NCHW order.
public struct ImageShape: Sendable, Hashable {
    /// The number of images.
    public let images: Int
    /// Channels an image: 1 for grey, 3 for colour.
    public let channels: Int
    /// Rows.
    public let height: Int
    /// Columns.
    public let width: Int

    /// Reads the shape of a tensor.
    /// - Throws: `UD2MError` with code `operator-shape`, located at tensor `name`, unless there are four positive sizes.
    public init(_ tensor: Tensor, name: String) throws { try self.init(tensor.shape, name: name) }

    /// As of a tensor of this shape.
    init(_ shape: [Int], name: String) throws {
        guard shape.count == 4, shape.allSatisfy({ $0 > 0 }) else {
            throw UD2MError(
                .operatorShape, "A tensor of shape \(shape) is not a batch of images.",
                at: UD2MError.Location(tensor: name), remedy: "Images have the shape [images, channels, height, width]."
            )
        }
        images = shape[0]
        channels = shape[1]
        height = shape[2]
        width = shape[3]
    }

    /// Throws unless the images have the given height and width.
    func require(height: Int, width: Int, name: String) throws {
        guard self.height == height, self.width == width else {
            throw UD2MError(
                .operatorShape,
                "The \(name) is \(self.width)×\(self.height) pixels; the operator needs \(width)×\(height).",
                at: UD2MError.Location(tensor: name))
        }
    }

    /// Channels of all images together.
    var planes: Int { images * channels }

    /// The plane pairs of the batch.
    var pairs: [PlanePair] { PlanePair.all(images: images, channels: channels) }

    /// The tensor of this batch at another size, from double-precision planes.
    func tensor(height: Int, width: Int, _ planes: [Double]) throws -> Tensor {
        try Tensor(shape: [images, channels, height, width], values: planes.map { Float($0) })
    }
}
