import UD2MFormats
import UD2MRuntime

/// Rows and columns of one channel of an image.
public struct PlaneSize: Sendable, Hashable {
    /// Rows.
    public let height: Int
    /// Columns.
    public let width: Int

    /// Creates a size; operators check that it is positive.
    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    /// Pixels.
    public var count: Int { height * width }
}

extension PlaneSize {
    /// Throws `operator-shape` unless both sides are positive and the pixels can be counted.
    func requireSound() throws {
        guard height > 0, width > 0, Tensor.elementCount([height, width]) != nil else {
            throw UD2MError(.operatorShape, "An operator cannot have images of \(width)×\(height) pixels.")
        }
    }
}
