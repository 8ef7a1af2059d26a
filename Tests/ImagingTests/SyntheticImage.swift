import UD2MImaging

extension ImageBuffer {
    /// An image of levels that differ everywhere, from a small congruential generator.
    static func synthetic(
        width: Int, height: Int, channels: Int, bitDepth: Int = 8, seed: UInt64 = 1
    ) throws -> ImageBuffer {
        var state = seed
        let levels = (0..<(width * height * channels)).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt16(truncatingIfNeeded: state >> 33)
        }
        return bitDepth == 16
            ? try ImageBuffer(width: width, height: height, channels: channels, levels16: levels)
            : try ImageBuffer(
                width: width, height: height, channels: channels, levels8: levels.map { UInt8(truncatingIfNeeded: $0) })
    }

    /// A smooth image, which JPEG keeps well.
    static func smooth(width: Int, height: Int, channels: Int) throws -> ImageBuffer {
        let values = (0..<channels).flatMap { channel in
            (0..<height).flatMap { row in
                (0..<width).map { column in
                    Float(column + row * (channel + 1)) / Float(width + height * (channel + 1))
                }
            }
        }
        return try ImageBuffer(width: width, height: height, channels: channels, values: values)
    }
}
