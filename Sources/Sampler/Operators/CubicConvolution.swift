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
        try Interpolation.upsampled(images, factor: factor) { size in
            Interpolation.taps(size: size, factor: factor, reach: 2) { weight(at: $0, a: -0.75) }
        }
    }
}
