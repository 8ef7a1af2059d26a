import UD2MFormats

/// Circular convolution with a kernel at one image size: the Λ of A = F⁻¹ΛF (`sampler.md` §8).
struct CircularBlur: Sendable {
    let fourier: FFT2D
    /// Λ, the kernel's transfer function, real and imaginary parts interleaved.
    let transfer: [Double]
    /// |Λ|², one number a frequency.
    let power: [Double]

    /// Transforms the kernel, its centre moved to the origin; kernels larger than the image wrap around.
    init(kernel: BlurKernel, height: Int, width: Int) throws {
        fourier = try FFT2D(rows: height, columns: width)
        var spectrum = [Double](repeating: 0, count: 2 * height * width)
        for row in 0..<kernel.rows {
            let target = Self.wrap(row - kernel.rows / 2, height)
            for column in 0..<kernel.columns {
                let index = target * width + Self.wrap(column - kernel.columns / 2, width)
                spectrum[2 * index] += kernel.weights[row * kernel.columns + column]
            }
        }
        try fourier.forward(&spectrum)
        transfer = spectrum
        power = (0..<height * width).map { index in
            let real = spectrum[2 * index]
            let imaginary = spectrum[2 * index + 1]
            return real * real + imaginary * imaginary
        }
    }

    /// Pixels an image.
    var planeSize: Int { power.count }

    /// Multiplies a spectrum by Λ.
    func multiply(_ spectrum: inout [Double]) {
        for index in power.indices {
            let (real, imaginary) = (spectrum[2 * index], spectrum[2 * index + 1])
            spectrum[2 * index] = transfer[2 * index] * real - transfer[2 * index + 1] * imaginary
            spectrum[2 * index + 1] = transfer[2 * index] * imaginary + transfer[2 * index + 1] * real
        }
    }

    /// Multiplies a spectrum by the complex conjugate of Λ, which is Aᵀ.
    func multiplyConjugate(_ spectrum: inout [Double]) {
        for index in power.indices {
            let (real, imaginary) = (spectrum[2 * index], spectrum[2 * index + 1])
            spectrum[2 * index] = transfer[2 * index] * real + transfer[2 * index + 1] * imaginary
            spectrum[2 * index + 1] = transfer[2 * index] * imaginary - transfer[2 * index + 1] * real
        }
    }

    /// Multiplies a spectrum by |Λ|², which is AᵀA.
    func multiplyPower(_ spectrum: inout [Double]) {
        for index in power.indices {
            spectrum[2 * index] *= power[index]
            spectrum[2 * index + 1] *= power[index]
        }
    }

    /// Convolves an image, or correlates it when `transposed`.
    func filter(_ image: inout [Double], transposed: Bool) throws {
        try fourier.forward(&image)
        if transposed { multiplyConjugate(&image) } else { multiply(&image) }
        try fourier.inverse(&image)
    }

    private static func wrap(_ index: Int, _ size: Int) -> Int {
        let remainder = index % size
        return remainder < 0 ? remainder + size : remainder
    }
}
