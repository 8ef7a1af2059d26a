import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension ImageMetrics {
    /// The positions that the structural similarity is averaged over.
    public enum Border: String, Sendable, Hashable, CaseIterable {
        /// Those whose window lies inside the image, as Wang et al. and pyiqa do; sides are at least 11.
        case inside
        /// Every pixel, with the image mirrored about its border pixels, as torchmetrics does; sides are at least 6.
        case reflected
    }

    /// The structural similarity of Wang et al. (2004), averaged over channels, batch and positions; 1 for equal images.
    ///
    /// Gaussian window of 11×11 with σ = 1.5, constants K₁ = 0.01 and K₂ = 0.03, biased local variances. Computed in
    /// double precision. Images are [N, C, H, W] or [C, H, W].
    /// - Parameters:
    ///   - image: the image.
    ///   - reference: what it is compared with.
    ///   - range: the difference between the largest and the smallest value that images may have: 1 for [0, 1].
    ///     torchmetrics measures it on the images when it is not given, which makes results of different images
    ///     incomparable.
    ///   - border: what happens at the image's border.
    /// - Returns: The mean over all images, channels and windows, at most 1.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `tensor-shape` when the shapes differ, have fewer than three
    ///   dimensions or are too small for the window; `input-range` when the range is not positive.
    public static func ssim(
        _ image: Tensor, reference: Tensor, range: Float = 1, border: Border = .inside
    ) throws -> Double {
        try requireComparable(image, reference, range)
        let smallest = border == .inside ? GaussianWindow.size : GaussianWindow.radius + 1
        guard let height = image.shape.dropLast().last, let width = image.shape.last, image.shape.count >= 3,
            height >= smallest, width >= smallest
        else {
            throw UD2MError(
                .tensorShape, "An image of shape \(image.shape) is smaller than the window of 11×11 needs.")
        }
        let window = GaussianWindow(
            height: height, width: width, margin: border == .inside ? 0 : GaussianWindow.radius,
            range: Double(range))
        let plane = height * width
        let planes = image.values.count / plane
        let sum = image.values.withUnsafeBufferPointer { a in
            reference.values.withUnsafeBufferPointer { b in
                (0..<planes).reduce(0.0) { sum, index in
                    let slice = index * plane..<(index + 1) * plane
                    return sum + window.similarity(.init(rebasing: a[slice]), .init(rebasing: b[slice]))
                }
            }
        }
        return sum / Double(planes)
    }
}

/// A separable Gaussian window moving over two planes of one size.
private struct GaussianWindow {
    static let radius = 5
    static let size = 2 * radius + 1

    let height: Int
    let width: Int
    /// Mirrored pixels added at each side.
    let margin: Int
    let range: Double

    /// One-dimensional weights that sum to 1.
    private let weights: [Double] = {
        let raw = (-radius...radius).map { exp(-Double($0 * $0) / (2 * 1.5 * 1.5)) }
        let total = raw.reduce(0, +)
        return raw.map { $0 / total }
    }()

    init(height: Int, width: Int, margin: Int, range: Double) {
        self.height = height
        self.width = width
        self.margin = margin
        self.range = range
    }

    /// The moments whose local means are needed: both values, their squares and their product.
    private static let moments = 5

    /// The mean similarity of two planes. Rows are filtered as they come; eleven are kept.
    func similarity(_ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>) -> Double {
        let outWidth = width + 2 * margin - Self.size + 1
        let rows = height + 2 * margin
        var kept = [[Double]](
            repeating: [Double](repeating: 0, count: Self.moments * outWidth), count: Self.size)
        var line = [Double](repeating: 0, count: Self.moments * (width + 2 * margin))
        var means = [Double](repeating: 0, count: Self.moments * outWidth)
        var sum = 0.0
        for row in 0..<rows {
            expand(a, b, row: mirrored(row - margin, height), into: &line)
            filter(line, into: &kept[row % Self.size])
            guard row >= Self.size - 1 else { continue }
            for index in means.indices { means[index] = 0 }
            for (offset, weight) in weights.enumerated() {
                let source = kept[(row + 1 + offset) % Self.size]
                for index in means.indices { means[index] += weight * source[index] }
            }
            sum += rowSum(means, count: outWidth)
        }
        return sum / Double(outWidth * (rows - Self.size + 1))
    }

    /// The moments of one row, mirrored at its ends.
    private func expand(
        _ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>, row: Int, into line: inout [Double]
    ) {
        let count = width + 2 * margin
        for column in 0..<count {
            let index = row * width + mirrored(column - margin, width)
            let (p, q) = (Double(a[index]), Double(b[index]))
            line[column] = p
            line[count + column] = q
            line[2 * count + column] = p * p
            line[3 * count + column] = q * q
            line[4 * count + column] = p * q
        }
    }

    /// Filters the moments of a row along it.
    private func filter(_ line: [Double], into out: inout [Double]) {
        let count = line.count / Self.moments
        let outCount = out.count / Self.moments
        for moment in 0..<Self.moments {
            for column in 0..<outCount {
                var sum = 0.0
                for offset in 0..<Self.size { sum += weights[offset] * line[moment * count + column + offset] }
                out[moment * outCount + column] = sum
            }
        }
    }

    /// The sum of the similarity over a row, from its local means.
    private func rowSum(_ means: [Double], count: Int) -> Double {
        let c1 = (0.01 * range) * (0.01 * range)
        let c2 = (0.03 * range) * (0.03 * range)
        var sum = 0.0
        for x in 0..<count {
            let (ma, mb) = (means[x], means[count + x])
            let luminance = (2 * ma * mb + c1) / (ma * ma + mb * mb + c1)
            let variances = means[2 * count + x] - ma * ma + means[3 * count + x] - mb * mb
            let covariance = means[4 * count + x] - ma * mb
            sum += luminance * (2 * covariance + c2) / (variances + c2)
        }
        return sum
    }

    /// The index inside `0..<count` that shows at `index`, mirrored once about the ends.
    private func mirrored(_ index: Int, _ count: Int) -> Int {
        let low = abs(index)
        return low < count ? low : 2 * (count - 1) - low
    }
}
