import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Kernels by name.
extension BlurKernel {
    /// A Gaussian, w ∝ exp(−(i² + j²)/(2·variance)); weights below a millionth of the largest are cut to zero.
    /// - Throws: `UD2MError` with code `kernel-invalid` when the size or the variance (in pixels²) is out of range.
    public static func gaussian(size: Int, variance: Double) throws -> BlurKernel {
        guard variance.isFinite, variance > 0 else {
            throw UD2MError(.kernelInvalid, "A Gaussian kernel needs a positive variance, not \(variance).")
        }
        return try separable(
            size: size, summary: "gaussian size \(size) variance \(variance)", cutOff: 1e-6, family: .gaussian
        ) {
            index in
            let offset = Double(index) - Double(size - 1) / 2
            return exp(-offset * offset / (2 * variance))
        }
    }

    /// A square of equal weights.
    /// - Throws: `UD2MError` with code `kernel-invalid` when the size is out of range.
    public static func uniform(size: Int) throws -> BlurKernel {
        try separable(size: size, summary: "uniform size \(size)") { _ in 1 }
    }

    /// A Gaussian stretched along one direction, w ∝ exp(−u²/(2σ₁²) − v²/(2σ₂²)).
    /// - Parameters:
    ///   - size: The side.
    ///   - sigma: σ₁, the width along the direction, in pixels.
    ///   - crossSigma: σ₂, the width across it, in pixels.
    ///   - angle: The direction, in degrees from the row's direction towards the column's (down).
    /// - Returns: The kernel, its weights adding up to 1.
    /// - Throws: `UD2MError` with code `kernel-invalid` when the size or a width is out of range, or the angle not finite.
    public static func anisotropic(
        size: Int, sigma: Double, crossSigma: Double, angle: Double = 0
    ) throws -> BlurKernel {
        try requireSize(size)
        guard sigma.isFinite, sigma > 0, crossSigma.isFinite, crossSigma > 0, angle.isFinite else {
            throw UD2MError(
                .kernelInvalid,
                "A stretched Gaussian needs two positive widths and an angle, not \(sigma), \(crossSigma) and \(angle)."
            )
        }
        let (cosine, sine) = (cos(angle * .pi / 180), sin(angle * .pi / 180))
        let middle = Double(size - 1) / 2
        let weights = (0..<size * size).map { index in
            let (x, y) = (Double(index % size) - middle, Double(index / size) - middle)
            let (along, across) = ((cosine * x + sine * y) / sigma, (cosine * y - sine * x) / crossSigma)
            return exp(-(along * along + across * across) / 2)
        }
        return try BlurKernel(
            rows: size, columns: size, weights: weights,
            summary: "anisotropic size \(size) sigmas \(sigma) \(crossSigma) angle \(angle)"
        ).normalized()
    }

    /// The "anisotropic" kernel of the paper's code whatever size it is asked for: 5×5, σ = 10 both ways.
    /// - Throws: Nothing in practice.
    public static func publishedAnisotropic() throws -> BlurKernel {
        try anisotropic(size: 5, sigma: 10, crossSigma: 10)
    }

    /// The weights of a measured point-spread function, such as an image of a star, scaled to sum 1.
    /// - Parameters:
    ///   - rows: Rows.
    ///   - columns: Columns.
    ///   - values: The weights on any scale, row-major.
    ///   - summary: Where it comes from, for reports.
    /// - Returns: The kernel, its weights adding up to 1.
    /// - Throws: `UD2MError` with code `kernel-invalid` as ``init(rows:columns:weights:summary:family:)`` and
    ///   ``normalized()``.
    public static func pointSpread(
        rows: Int, columns: Int, values: [Double], summary: String
    ) throws -> BlurKernel {
        try BlurKernel(rows: rows, columns: columns, weights: values, summary: summary).normalized()
    }

    /// A Gaussian against aliasing when every `factor`-th pixel is kept: σ = factor/2, cut at 3σ.
    /// - Throws: `UD2MError` with code `kernel-invalid` when the factor is out of range.
    public static func gaussianAntialias(factor: Int) throws -> BlurKernel {
        guard (1...largestSide / 4).contains(factor) else {
            throw UD2MError(.kernelInvalid, "A Gaussian kernel for factor \(factor) cannot be made.")
        }
        let variance = Double(factor * factor) / 4
        return try gaussian(size: 2 * ((3 * factor + 1) / 2) + 1, variance: variance)
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
        size: Int, summary: String, cutOff: Double = 0, family: Family = .other, profile: (Int) -> Double
    ) throws -> BlurKernel {
        try requireSize(size)
        let line = (0..<size).map(profile)
        var weights = line.flatMap { row in line.map { row * $0 } }
        if cutOff > 0 {
            let threshold = cutOff * (weights.max() ?? 0)
            weights = weights.map { $0 < threshold ? 0 : $0 }
        }
        return try BlurKernel(rows: size, columns: size, weights: weights, summary: summary, family: family)
            .normalized()
    }

    /// Throws `kernel-invalid` unless a side is in 1 ... ``largestSide``.
    static func requireSize(_ size: Int) throws {
        guard (1...largestSide).contains(size) else {
            throw UD2MError(
                .kernelInvalid, "A kernel of size \(size) cannot be made.",
                remedy: "Sizes are between 1 and \(largestSide).")
        }
    }
}
