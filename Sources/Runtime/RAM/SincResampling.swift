import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The scale operators of the RAM network: D keeps every `factor`-th pixel of a circular convolution with a
/// Kaiser-windowed sinc, and U is its transpose (`networks.md` §3.2, step 1).
///
/// The filter is the outer product of a profile with itself, so both run along columns, then along rows.
package struct SincResampling: Sendable {
    /// 1 (nothing to do), 2, 4 or 8.
    package let factor: Int
    private let profile: [Double]

    package init(factor: Int) {
        self.factor = factor
        profile = Self.profile(factor: factor)
    }

    /// The filter along one axis, 4·`factor` weights that sum to 1; element 2·`factor` is the centre.
    package static func profile(factor: Int) -> [Double] {
        let length = 4 * factor
        // The reference's √2 and π have these many digits.
        let transition = 2 * (2 - 1.4142136) / Double(factor)
        let attenuation = 2.285 * Double(length - 1) * 3.14159 * transition + 7.95
        let beta: Double =
            if attenuation <= 21 {
                0
            } else if attenuation <= 50 {
                0.5842 * pow(attenuation - 21, 0.4) + 0.07886 * (attenuation - 21)
            } else {
                0.1102 * (attenuation - 8.7)
            }
        let half = Double(length - 1) / 2
        let weights = (0..<length).map { index in
            let offset = Double(index) - half
            // An even number of weights: the offset is never 0.
            let angle = Double.pi * offset / Double(factor)
            let window = besselI0(beta * (1 - (offset / half) * (offset / half)).squareRoot())
            return sin(angle) / angle * window
        }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }

    /// The modified Bessel function of the first kind, order 0, from its power series.
    private static func besselI0(_ x: Double) -> Double {
        var (sum, term) = (1.0, 1.0)
        for k in 1...60 {
            term *= (x / 2 / Double(k)) * (x / 2 / Double(k))
            sum += term
        }
        return sum
    }

    /// D: images of 1/`factor` the size; both sides must be multiples of `factor`.
    package func down(_ images: Tensor) throws -> Tensor {
        try resampled(images, height: images.shape[2] / factor, width: images.shape[3] / factor) { target, size in
            // (w ∗ x)[p] = Σ w[j]·x[p − j + centre], at p = factor·target.
            profile.enumerated().map { Tap(source: wrap(factor * (target + 2) - $0, size), weight: $1) }
        }
    }

    /// U: images of `factor` times the size.
    package func up(_ images: Tensor) throws -> Tensor {
        try resampled(images, height: images.shape[2] * factor, width: images.shape[3] * factor) { target, size in
            // The sources whose D reads `target`: j = factor·source + centre − target is an index of the profile.
            let first = (target + factor - 1) / factor - 2
            return (first..<first + 4).compactMap { source in
                let index = factor * (source + 2) - target
                return profile.indices.contains(index)
                    ? Tap(source: wrap(source, size), weight: profile[index]) : nil
            }
        }
    }

    private struct Tap {
        let source: Int
        let weight: Double
    }

    private func wrap(_ index: Int, _ size: Int) -> Int {
        let remainder = index % size
        return remainder < 0 ? remainder + size : remainder
    }

    /// Images whose every row, then every column, is a weighted sum of others.
    private func resampled(
        _ images: Tensor, height: Int, width: Int, taps: (_ target: Int, _ sourceSize: Int) -> [Tap]
    ) throws -> Tensor {
        guard factor > 1 else { return images }
        let (sourceHeight, sourceWidth) = (images.shape[2], images.shape[3])
        let rows = (0..<height).map { taps($0, sourceHeight) }
        let columns = (0..<width).map { taps($0, sourceWidth) }
        let planes = images.shape[0] * images.shape[1]
        var values: [Float] = []
        values.reserveCapacity(planes * height * width)
        var line = [Double](repeating: 0, count: sourceWidth)
        for plane in 0..<planes {
            let start = plane * sourceHeight * sourceWidth
            for row in rows {
                for column in line.indices { line[column] = 0 }
                for tap in row {
                    let source = start + tap.source * sourceWidth
                    for column in 0..<sourceWidth {
                        line[column] += tap.weight * Double(images.values[source + column])
                    }
                }
                for column in columns {
                    var sum = 0.0
                    for tap in column { sum += tap.weight * line[tap.source] }
                    values.append(Float(sum))
                }
            }
        }
        return try Tensor(shape: [images.shape[0], images.shape[1], height, width], values: values)
    }
}
