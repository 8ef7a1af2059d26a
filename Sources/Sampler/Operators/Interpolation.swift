import UD2MRuntime

/// Enlarging images by whole factors, pixel areas aligned, edges repeated.
enum Interpolation {
    /// The sources of one output position and their weights.
    typealias Tap = [(source: Int, weight: Double)]

    /// Enlarges both axes by the taps that `line` gives for an axis of a length.
    static func upsampled(_ images: Tensor, factor: Int, line: (Int) -> [Tap]) throws -> Tensor {
        let shape = try ImageShape(images, name: "observation")
        let rows = line(shape.height)
        let columns = line(shape.width)
        var wide = [Double](repeating: 0, count: shape.width * factor)
        var planes: [Double] = []
        planes.reserveCapacity(images.values.count * factor * factor)
        for plane in 0..<shape.images * shape.channels {
            let start = plane * shape.height * shape.width
            let widened = (0..<shape.height).map { row -> [Double] in
                for (column, tap) in columns.enumerated() {
                    wide[column] = tap.reduce(0) {
                        $0 + $1.weight * Double(images.values[start + row * shape.width + $1.source])
                    }
                }
                return wide
            }
            for tap in rows {
                for column in 0..<shape.width * factor {
                    planes.append(tap.reduce(0) { $0 + $1.weight * widened[$1.source][column] })
                }
            }
        }
        return try shape.tensor(height: shape.height * factor, width: shape.width * factor, planes)
    }

    /// The taps of every output position of one axis.
    /// - Parameters:
    ///   - size: Samples of the axis.
    ///   - factor: Outputs a sample.
    ///   - reach: Samples on either side that have weight.
    ///   - weight: The weight at a signed distance, in samples.
    /// - Returns: One list for every output position.
    static func taps(size: Int, factor: Int, reach: Int, weight: (Double) -> Double) -> [Tap] {
        (0..<size * factor).map { target in
            let position = (Double(target) + 0.5) / Double(factor) - 0.5
            let left = Int(position.rounded(.down))
            return (left + 1 - reach...left + reach).map { source in
                (min(max(source, 0), size - 1), weight(position - Double(source)))
            }
        }
    }
}

/// Bilinear interpolation, as PyTorch's `interpolate(mode="bilinear", align_corners=False)`.
enum LinearInterpolation {
    /// Enlarges images by a whole factor.
    static func upsampled(_ images: Tensor, factor: Int) throws -> Tensor {
        try Interpolation.upsampled(images, factor: factor) { size in
            Interpolation.taps(size: size, factor: factor, reach: 1) { max(0, 1 - abs($0)) }
        }
    }
}
