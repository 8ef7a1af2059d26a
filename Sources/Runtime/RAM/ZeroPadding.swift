/// Rows and columns of a constant at the top and left of images.
struct ZeroPadding: Sendable, Hashable {
    /// Rows at the top.
    let top: Int
    /// Columns at the left.
    let left: Int

    /// Whether there is anything to add.
    var isNeeded: Bool { top > 0 || left > 0 }

    /// The images with padding.
    func pad(_ images: Tensor, with value: Float = 0) throws -> Tensor {
        guard isNeeded else { return images }
        let (height, width) = (images.shape[2], images.shape[3])
        var values: [Float] = []
        values.reserveCapacity(images.values.count / (height * width) * (height + top) * (width + left))
        for plane in 0..<images.shape[0] * images.shape[1] {
            values.append(contentsOf: repeatElement(value, count: top * (width + left)))
            for row in 0..<height {
                values.append(contentsOf: repeatElement(value, count: left))
                let start = (plane * height + row) * width
                values.append(contentsOf: images.values[start..<start + width])
            }
        }
        return try Tensor(shape: [images.shape[0], images.shape[1], height + top, width + left], values: values)
    }

    /// Padded images without the padding.
    func crop(_ images: Tensor) throws -> Tensor {
        guard isNeeded else { return images }
        let (height, width) = (images.shape[2], images.shape[3])
        var values: [Float] = []
        values.reserveCapacity(images.values.count)
        for plane in 0..<images.shape[0] * images.shape[1] {
            for row in top..<height {
                let start = (plane * height + row) * width
                values.append(contentsOf: images.values[start + left..<start + width])
            }
        }
        return try Tensor(shape: [images.shape[0], images.shape[1], height - top, width - left], values: values)
    }
}
