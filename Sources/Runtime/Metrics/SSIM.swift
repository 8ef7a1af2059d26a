import Foundation
import UD2MFormats

extension ImageMetrics {
    /// The structural similarity of Wang et al. (2004), averaged over channels, batch and positions; 1 for equal images.
    ///
    /// Gaussian window of 11×11 with σ = 1.5, constants K₁ = 0.01 and K₂ = 0.03, biased local variances, only
    /// positions whose window lies inside the image. Computed in double precision. Images are [N, C, H, W] or [C, H, W]
    /// with sides of at least 11; `range` is the difference between the largest and the smallest value they may have.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `tensor-shape` when the shapes differ, have fewer than three
    ///   dimensions or are smaller than the window; `input-range` when the range is not positive.
    public static func ssim(_ image: Tensor, reference: Tensor, range: Float = 1) throws -> Double {
        try requireComparable(image, reference, range)
        let window = GaussianWindow(size: 11, sigma: 1.5)
        guard let height = image.shape.dropLast().last, let width = image.shape.last, image.shape.count >= 3,
            height >= window.weights.count, width >= window.weights.count
        else {
            throw UD2MError(
                .tensorShape, "An image of shape \(image.shape) is smaller than the window of 11×11.")
        }
        let plane = height * width
        var sum = 0.0
        let planes = image.values.count / plane
        for index in 0..<planes {
            let slice = index * plane..<(index + 1) * plane
            sum += window.similarity(
                image.values[slice].map(Double.init), reference.values[slice].map(Double.init), width: width,
                range: Double(range))
        }
        return sum / Double(planes)
    }
}

/// A separable Gaussian window.
private struct GaussianWindow {
    let weights: [Double]

    init(size: Int, sigma: Double) {
        let raw = (0..<size).map { index in
            let distance = Double(index) - Double(size - 1) / 2
            return exp(-distance * distance / (2 * sigma * sigma))
        }
        let total = raw.reduce(0, +)
        weights = raw.map { $0 / total }
    }

    /// The mean similarity of two planes.
    func similarity(_ a: [Double], _ b: [Double], width: Int, range: Double) -> Double {
        let meanA = filter(a, width: width)
        let meanB = filter(b, width: width)
        let squareA = filter(zip(a, a).map { $0 * $1 }, width: width)
        let squareB = filter(zip(b, b).map { $0 * $1 }, width: width)
        let product = filter(zip(a, b).map { $0 * $1 }, width: width)
        let c1 = (0.01 * range) * (0.01 * range)
        let c2 = (0.03 * range) * (0.03 * range)
        var sum = 0.0
        for index in meanA.indices {
            let (ma, mb) = (meanA[index], meanB[index])
            let luminance = (2 * ma * mb + c1) / (ma * ma + mb * mb + c1)
            let variances = squareA[index] - ma * ma + squareB[index] - mb * mb
            sum += luminance * (2 * (product[index] - ma * mb) + c2) / (variances + c2)
        }
        return sum / Double(meanA.count)
    }

    /// Weighted means at the positions whose window lies inside the plane.
    private func filter(_ plane: [Double], width: Int) -> [Double] {
        let height = plane.count / width
        let (innerWidth, innerHeight) = (width - weights.count + 1, height - weights.count + 1)
        var rows = [Double](repeating: 0, count: height * innerWidth)
        for y in 0..<height {
            for x in 0..<innerWidth {
                var sum = 0.0
                for (offset, weight) in weights.enumerated() { sum += weight * plane[y * width + x + offset] }
                rows[y * innerWidth + x] = sum
            }
        }
        var out = [Double](repeating: 0, count: innerHeight * innerWidth)
        for y in 0..<innerHeight {
            for x in 0..<innerWidth {
                var sum = 0.0
                for (offset, weight) in weights.enumerated() { sum += weight * rows[(y + offset) * innerWidth + x] }
                out[y * innerWidth + x] = sum
            }
        }
        return out
    }
}
