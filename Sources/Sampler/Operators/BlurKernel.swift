import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A point-spread function: the weights of a circular convolution.
///
/// The centre is element (⌊rows/2⌋, ⌊columns/2⌋): (A x)[i] = Σⱼ w[j]·x[i − (j − centre)].
public struct BlurKernel: Sendable, Hashable {
    /// Rows.
    public let rows: Int
    /// Columns.
    public let columns: Int
    /// The weights, row-major.
    public let weights: [Double]
    /// How the kernel was made, for reports.
    public let summary: String

    /// The largest side that is accepted.
    public static let largestSide = 4096

    /// Creates a kernel from its weights, as they are.
    /// - Throws: `UD2MError` with code `kernel-invalid` unless both sides are in 1 ... ``largestSide``, their product is
    ///   the number of weights, and every weight is finite.
    public init(rows: Int, columns: Int, weights: [Double], summary: String = "custom") throws {
        let sides = 1...Self.largestSide
        guard sides.contains(rows), sides.contains(columns), rows * columns == weights.count else {
            throw UD2MError(
                .kernelInvalid, "A \(rows)×\(columns) kernel cannot have \(weights.count) weights.",
                remedy: "Sides are between 1 and \(Self.largestSide).")
        }
        guard weights.allSatisfy({ $0.isFinite }) else {
            throw UD2MError(.kernelInvalid, "A kernel's weights must be finite numbers.")
        }
        self.rows = rows
        self.columns = columns
        self.weights = weights
        self.summary = summary
    }

    /// The kernel scaled to sum 1, so that it keeps an image's brightness.
    /// - Throws: `UD2MError` with code `kernel-invalid` unless the sum is positive and of ordinary size.
    public func normalized() throws -> BlurKernel {
        let sum = weights.reduce(0, +)
        guard sum.isNormal, sum > 0 else {
            throw UD2MError(.kernelInvalid, "A kernel whose weights sum to \(sum) cannot be normalised.")
        }
        return try BlurKernel(rows: rows, columns: columns, weights: weights.map { $0 / sum }, summary: summary)
    }

    /// A Gaussian, w ∝ exp(−(i² + j²)/(2·variance)); weights below a millionth of the largest are cut to zero.
    /// - Throws: `UD2MError` with code `kernel-invalid` when the size or the variance (in pixels²) is out of range.
    public static func gaussian(size: Int, variance: Double) throws -> BlurKernel {
        guard variance.isFinite, variance > 0 else {
            throw UD2MError(.kernelInvalid, "A Gaussian kernel needs a positive variance, not \(variance).")
        }
        return try separable(size: size, summary: "gaussian size \(size) variance \(variance)", cutOff: 1e-6) { index in
            let offset = Double(index) - Double(size - 1) / 2
            return exp(-offset * offset / (2 * variance))
        }
    }

    /// A square of equal weights.
    /// - Throws: `UD2MError` with code `kernel-invalid` when the size is out of range.
    public static func uniform(size: Int) throws -> BlurKernel {
        try separable(size: size, summary: "uniform size \(size)") { _ in 1 }
    }

    /// The antialiasing filter of bicubic downsampling (a = −½), of side 4·`factor`.
    /// - Throws: `UD2MError` with code `kernel-invalid` when the factor is out of range.
    public static func bicubic(factor: Int) throws -> BlurKernel {
        guard factor >= 1, factor <= largestSide / 4 else {
            throw UD2MError(.kernelInvalid, "A bicubic kernel for factor \(factor) cannot be made.")
        }
        return try separable(size: 4 * factor, summary: "bicubic factor \(factor)") { index in
            CubicConvolution.weight(at: (Double(index) + 0.5) / Double(factor) - 2)
        }
    }

    /// The normalised outer product of a profile with itself.
    private static func separable(
        size: Int, summary: String, cutOff: Double = 0, profile: (Int) -> Double
    ) throws -> BlurKernel {
        guard (1...largestSide).contains(size) else {
            throw UD2MError(
                .kernelInvalid, "A kernel of size \(size) cannot be made.",
                remedy: "Sizes are between 1 and \(largestSide).")
        }
        let line = (0..<size).map(profile)
        var weights = line.flatMap { row in line.map { row * $0 } }
        if cutOff > 0 {
            let threshold = cutOff * (weights.max() ?? 0)
            weights = weights.map { $0 < threshold ? 0 : $0 }
        }
        return try BlurKernel(rows: size, columns: size, weights: weights, summary: summary).normalized()
    }
}
