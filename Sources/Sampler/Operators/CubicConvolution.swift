import UD2MRuntime

/// Keys' cubic convolution.
enum CubicConvolution {
    /// The weight of a sample at a signed distance, in samples; zero from 2 on.
    ///
    /// a = −½ is the usual antialiasing filter, a = −¾ what PyTorch interpolates with.
    static func weight(at distance: Double, a: Double = -0.5) -> Double {
        let x = abs(distance)
        if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        if x < 2 { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
        return 0
    }

    /// Interpolates images by a whole factor, pixel areas aligned, edges repeated.
    ///
    /// The same numbers as PyTorch's `interpolate(mode="bicubic", align_corners=False)`, with which the zero-shot
    /// recipe was tuned.
    static func upsampled(_ images: Tensor, factor: Int) throws -> Tensor {
        let shape = try ImageShape(images, name: "observation")
        let rows = taps(size: shape.height, factor: factor)
        let columns = taps(size: shape.width, factor: factor)
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

    /// The four sources and weights of every output position of one axis.
    private static func taps(size: Int, factor: Int) -> [[(source: Int, weight: Double)]] {
        (0..<size * factor).map { target in
            let position = (Double(target) + 0.5) / Double(factor) - 0.5
            let left = Int(position.rounded(.down))
            return (left - 1...left + 2).map { source in
                (min(max(source, 0), size - 1), weight(at: position - Double(source), a: -0.75))
            }
        }
    }
}
