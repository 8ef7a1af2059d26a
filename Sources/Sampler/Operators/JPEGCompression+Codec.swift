/// The codec and the transpose of its linear stages, on images in [-1, 1] as double-precision planes.
extension JPEGCompression {
    /// Brightness and the two colour differences from red, green and blue.
    private static let toDifferences: [[Double]] = [
        [0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813],
    ]
    /// Back, with the digits of the paper's code.
    private static let toColours: [[Double]] = [
        [1, -3.681_999_03e-05, 1.401_987_58], [1, -0.344_113_281, -0.714_103_821],
        [1, 1.771_978_12, -1.345_834_13e-04],
    ]

    private var paddedHeight: Int { (imageSize.height + 15) / 16 * 16 }
    private var paddedWidth: Int { (imageSize.width + 15) / 16 * 16 }

    /// The images after compression and decoding; `rounds` says whether coefficients are rounded.
    package func decoded(_ images: [Double], channels: Int, rounds: Bool) -> [Double] {
        eachImage(images, channels) { planes in
            // Levels 0 … 255, less the 128 that is taken from brightness before its transform. The two differences
            // get 128 added and taken away again.
            let shift = 127.5 - 128
            var padded = planes.map { plane in
                var levels = plane.extended(height: paddedHeight, width: paddedWidth)
                for index in levels.values.indices { levels.values[index] = 127.5 * levels.values[index] }
                return levels
            }
            if channels == 3 { padded = Self.mixed(padded, Self.toDifferences) }
            // The rows of the differences add up to zero and that of brightness to one, so a shift is one of brightness.
            for index in padded[0].values.indices { padded[0].values[index] += shift }
            if rounds { padded[0] = padded[0].quantised(by: tables.luma) }
            for channel in 1..<max(channels, 1) {
                let small = padded[channel].halved()
                padded[channel] = (rounds ? small.quantised(by: tables.chroma) : small).doubled()
            }
            for index in padded[0].values.indices { padded[0].values[index] -= shift }
            if channels == 3 { padded = Self.mixed(padded, Self.toColours) }
            return padded.map { plane in
                var image = plane.cropped(height: imageSize.height, width: imageSize.width)
                for index in image.values.indices { image.values[index] /= 127.5 }
                return image
            }
        }
    }

    /// The transpose of the linear stages; their cosine transforms and divisions cancel.
    func transposed(_ images: [Double], channels: Int) -> [Double] {
        eachImage(images, channels) { planes in
            var padded = planes.map { $0.zeroExtended(height: paddedHeight, width: paddedWidth) }
            if channels == 3 {
                padded = Self.mixed(padded, Self.exchanged(Self.toColours))
                for channel in 1..<3 { padded[channel] = padded[channel].summed().spread() }
                padded = Self.mixed(padded, Self.exchanged(Self.toDifferences))
            }
            return padded.map { $0.folded(height: imageSize.height, width: imageSize.width) }
        }
    }

    private func eachImage(
        _ images: [Double], _ channels: Int, _ body: ([JPEGPlane]) -> [JPEGPlane]
    ) -> [Double] {
        let size = imageSize.count
        var result: [Double] = []
        result.reserveCapacity(images.count)
        for first in stride(from: 0, to: images.count, by: size * channels) {
            let planes = (0..<channels).map { channel in
                let start = first + channel * size
                return JPEGPlane(
                    height: imageSize.height, width: imageSize.width, values: Array(images[start..<start + size]))
            }
            for plane in body(planes) { result += plane.values }
        }
        return result
    }

    /// Every pixel's channels multiplied by a 3×3 matrix.
    private static func mixed(_ planes: [JPEGPlane], _ matrix: [[Double]]) -> [JPEGPlane] {
        matrix.map { row in
            var result = planes[0]
            for index in result.values.indices {
                result.values[index] =
                    row[0] * planes[0].values[index] + row[1] * planes[1].values[index]
                    + row[2] * planes[2].values[index]
            }
            return result
        }
    }

    private static func exchanged(_ matrix: [[Double]]) -> [[Double]] {
        (0..<3).map { column in matrix.map { $0[column] } }
    }
}
