import UD2MRuntime

/// Two real image planes carried as the real and imaginary part of one complex image.
///
/// Every filter of the forward operators is a real-linear circulant map, which acts on both parts separately, so one
/// transform serves two channels. Pairs never span two images, so an image's rounding does not depend on its batch.
struct PlanePair {
    /// The index of the plane in the real part, counted over images and channels.
    let first: Int
    /// The index of the plane in the imaginary part, or nil for an odd last channel.
    let second: Int?

    /// The pairs of a batch of images.
    static func all(images: Int, channels: Int) -> [PlanePair] {
        (0..<images).flatMap { image in
            stride(from: 0, to: channels, by: 2).map { channel in
                let plane = image * channels + channel
                return PlanePair(first: plane, second: channel + 1 < channels ? plane + 1 : nil)
            }
        }
    }

    /// The two planes of `planeSize` elements as interleaved complex numbers.
    func packed<Value: BinaryFloatingPoint>(_ planes: [Value], planeSize: Int) -> [Double] {
        var complex = [Double](repeating: 0, count: 2 * planeSize)
        for index in 0..<planeSize { complex[2 * index] = Double(planes[first * planeSize + index]) }
        if let second {
            for index in 0..<planeSize { complex[2 * index + 1] = Double(planes[second * planeSize + index]) }
        }
        return complex
    }

    /// Writes real and imaginary parts back to their planes.
    func unpack(_ complex: [Double], planeSize: Int, into planes: inout [Double]) {
        for index in 0..<planeSize { planes[first * planeSize + index] = complex[2 * index] }
        if let second {
            for index in 0..<planeSize { planes[second * planeSize + index] = complex[2 * index + 1] }
        }
    }
}
