import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Distances between an image and a reference.
public enum ImageMetrics {
    /// The peak signal-to-noise ratio in decibels, `10·log₁₀(range² / mean squared error)`, over all values of both
    /// tensors together; infinite when they are equal.
    ///
    /// `range` is the difference between the largest and the smallest value an image may have: 1 for [0, 1].
    /// - Throws: ``UD2MFormats/UD2MError`` with code `tensor-shape` when the shapes differ or are empty, `input-range`
    ///   when the range is not positive.
    public static func psnr(_ image: Tensor, reference: Tensor, range: Float = 1) throws -> Double {
        try requireComparable(image, reference, range)
        var sum = 0.0
        for (a, b) in zip(image.values, reference.values) {
            let difference = Double(a) - Double(b)
            sum += difference * difference
        }
        let meanSquare = sum / Double(image.values.count)
        return 10 * log10(Double(range) * Double(range) / meanSquare)
    }

    /// Checks what every metric asks of its operands.
    static func requireComparable(_ image: Tensor, _ reference: Tensor, _ range: Float) throws {
        guard image.shape == reference.shape, !image.values.isEmpty else {
            throw UD2MError(
                .tensorShape, "Images of shapes \(image.shape) and \(reference.shape) cannot be compared.")
        }
        guard range > 0, range.isFinite else {
            throw UD2MError(.inputRange, "The range of the values is \(range); it must be positive.")
        }
    }
}
