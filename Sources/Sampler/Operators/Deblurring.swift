import UD2MFormats
import UD2MRuntime

/// Circular convolution with a known kernel (`sampler.md` §8.1, the closed form for every kernel).
public struct Deblurring: LinearForwardOperator {
    /// The kernel.
    public let kernel: BlurKernel
    /// The images' height.
    public let height: Int
    /// The images' width.
    public let width: Int
    /// Whether frequencies that the kernel nearly removes are removed completely, as in the paper's code.
    public let thresholdsTransfer: Bool
    let blur: CircularBlur

    /// Prepares the operator for images of one size.
    /// - Parameters:
    ///   - kernel: The kernel, no larger than the images.
    ///   - height: The images' height.
    ///   - width: The images' width.
    ///   - thresholdsTransfer: Whether A is what the paper's code makes of the kernel (`sampler.md` §8).
    /// - Throws: `UD2MError` with code `operator-shape` for a size that cannot be transformed, `kernel-invalid` for a
    ///   kernel that is larger than the images.
    public init(kernel: BlurKernel, height: Int, width: Int, thresholdsTransfer: Bool = false) throws {
        try kernel.requireFits(height: height, width: width)
        self.kernel = kernel
        self.height = height
        self.width = width
        self.thresholdsTransfer = thresholdsTransfer
        let blur = try CircularBlur(kernel: kernel, height: height, width: width)
        self.blur = thresholdsTransfer ? blur.thresholded() : blur
    }

    /// `"deblurring"`.
    public var name: String { "deblurring" }

    /// The kernel's description.
    public var parameters: [OperatorParameter] { [OperatorParameter("kernel", .text(kernel.summary))] }

    /// The images' size.
    public var imageSize: PlaneSize { PlaneSize(height: height, width: width) }

    /// The images' size.
    public var observationSize: PlaneSize { imageSize }

    /// Transfer function and its squares, and the spectra of two planes.
    public var memory: OperatorMemory { OperatorMemory(bytesPerPixel: 64, bytesPerValue: 24) }

    /// Convolves one plane.
    public func applied(to plane: [Double]) throws -> [Double] { try blur.filter(plane: plane, transposed: false) }

    /// Correlates one plane.
    public func transposed(of plane: [Double]) throws -> [Double] { try blur.filter(plane: plane, transposed: true) }

    /// Convolves the image with the kernel.
    public func apply(_ image: Tensor) throws -> Tensor {
        try filtered(image, name: "image", blur.multiply)
    }

    /// Correlates the observation with the kernel.
    public func adjoint(_ observation: Tensor) throws -> Tensor {
        try filtered(observation, name: "observation", blur.multiplyConjugate)
    }

    /// Multiplies the spectrum by |Λ|².
    public func gram(_ image: Tensor) throws -> Tensor {
        try filtered(image, name: "image", blur.multiplyPower)
    }

    /// The observation itself.
    public func initialEstimate(_ observation: Tensor) throws -> Tensor {
        try ImageShape(observation, name: "observation").require(height: height, width: width, name: "observation")
        return observation
    }

    /// F⁻¹[Fy/Λ] where |Λ| is at least the threshold times its largest value, 0 elsewhere.
    public func pseudoInverse(_ observation: Tensor, relativeThreshold: Double) throws -> Tensor {
        try requireThreshold(relativeThreshold)
        let smallest = relativeThreshold * relativeThreshold * (blur.power.max() ?? 0)
        return try filtered(observation, name: "observation") { spectrum in
            blur.multiplyConjugate(&spectrum)
            for frequency in blur.power.indices {
                let power = blur.power[frequency]
                let scale = power >= smallest && power > 0 ? 1 / power : 0
                spectrum[2 * frequency] *= scale
                spectrum[2 * frequency + 1] *= scale
            }
        }
    }

    /// x = F⁻¹[(Λ̄·Fy + τ·Fm)/(|Λ|² + τ)].
    public func tikhonovSolution(observation: Tensor, mean: [Double], weight: Double) throws -> [Double] {
        let shape = try ImageShape(observation, name: "observation")
        try shape.require(height: height, width: width, name: "observation")
        try ProximalObjective.require(mean, images: shape, height: height, width: width)
        var solution = mean
        for pair in shape.pairs {
            var spectrum = pair.packed(observation.values, planeSize: blur.planeSize)
            try blur.fourier.forward(&spectrum)
            blur.multiplyConjugate(&spectrum)
            var centre = pair.packed(mean, planeSize: blur.planeSize)
            try blur.fourier.forward(&centre)
            for frequency in blur.power.indices {
                let scale = 1 / (blur.power[frequency] + weight)
                for part in 2 * frequency...2 * frequency + 1 {
                    spectrum[part] = (spectrum[part] + weight * centre[part]) * scale
                }
            }
            try blur.fourier.inverse(&spectrum)
            pair.unpack(spectrum, planeSize: blur.planeSize, into: &solution)
        }
        return solution
    }

    /// Changes the spectra of an image's planes.
    func filtered(_ image: Tensor, name: String, _ multiply: (inout [Double]) -> Void) throws -> Tensor {
        let shape = try ImageShape(image, name: name)
        try shape.require(height: height, width: width, name: name)
        var planes = [Double](repeating: 0, count: image.values.count)
        for pair in shape.pairs {
            var complex = pair.packed(image.values, planeSize: blur.planeSize)
            try blur.fourier.forward(&complex)
            multiply(&complex)
            try blur.fourier.inverse(&complex)
            pair.unpack(complex, planeSize: blur.planeSize, into: &planes)
        }
        return try shape.tensor(height: height, width: width, planes)
    }
}
