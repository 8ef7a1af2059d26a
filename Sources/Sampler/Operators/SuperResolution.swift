import UD2MFormats
import UD2MRuntime

/// Circular convolution with a kernel, then every `factor`-th pixel from (0, 0): A = SB (`sampler.md` §8.3, exact form).
public struct SuperResolution: LinearForwardOperator {
    /// The downsampling factor.
    public let factor: Int
    /// The antialiasing kernel.
    public let kernel: BlurKernel
    /// The full images' height.
    public let height: Int
    /// The full images' width.
    public let width: Int
    let blur: CircularBlur

    /// The largest factor that is accepted.
    public static let largestFactor = 64

    /// Prepares the operator for full images of one size.
    /// - Throws: `UD2MError` with code `operator-parameter` unless `factor` is in 1 ... ``largestFactor``;
    ///   `operator-shape` unless both sides are multiples of it; `kernel-invalid` for a kernel that is larger than the
    ///   images.
    public init(factor: Int, kernel: BlurKernel, height: Int, width: Int) throws {
        guard (1...Self.largestFactor).contains(factor) else {
            throw UD2MError(
                .operatorParameter, "A super-resolution factor lies between 1 and \(Self.largestFactor), not \(factor)."
            )
        }
        guard height % factor == 0, width % factor == 0 else {
            throw UD2MError(
                .operatorShape, "A \(width)×\(height) image cannot be reduced by \(factor).",
                remedy: "Crop it so that both sides are multiples of \(factor).")
        }
        try kernel.requireFits(height: height, width: width)
        self.factor = factor
        self.kernel = kernel
        self.height = height
        self.width = width
        blur = try CircularBlur(kernel: kernel, height: height, width: width)
    }

    /// `"super-resolution"`.
    public var name: String { "super-resolution" }

    /// The factor and the kernel's description.
    public var parameters: [OperatorParameter] {
        [OperatorParameter("factor", .integer(factor)), OperatorParameter("kernel", .text(kernel.summary))]
    }

    /// Rows of an observation.
    public var observationHeight: Int { height / factor }

    /// Columns of an observation.
    public var observationWidth: Int { width / factor }

    /// The full images' size.
    public var imageSize: PlaneSize { PlaneSize(height: height, width: width) }

    /// An observation's size.
    public var observationSize: PlaneSize { PlaneSize(height: observationHeight, width: observationWidth) }

    /// Transfer function and its squares, and three spectra of two planes.
    public var memory: OperatorMemory { OperatorMemory(bytesPerPixel: 80, bytesPerValue: 24) }

    /// Blurs and decimates one plane.
    public func applied(to plane: [Double]) throws -> [Double] {
        let full = try blur.filter(plane: plane, transposed: false)
        var small = [Double](repeating: 0, count: observationSize.count)
        forEachSample { small[$0] = full[$1] }
        return small
    }

    /// Inserts zeros into one plane and correlates.
    public func transposed(of plane: [Double]) throws -> [Double] {
        var full = [Double](repeating: 0, count: imageSize.count)
        forEachSample { full[$1] = plane[$0] }
        return try blur.filter(plane: full, transposed: true)
    }

    /// Blurs and decimates.
    public func apply(_ image: Tensor) throws -> Tensor {
        let shape = try ImageShape(image, name: "image")
        try shape.require(height: height, width: width, name: "image")
        let smallSize = observationHeight * observationWidth
        var planes = [Double](repeating: 0, count: shape.images * shape.channels * smallSize)
        for pair in shape.pairs {
            var complex = pair.packed(image.values, planeSize: blur.planeSize)
            try blur.filter(&complex, transposed: false)
            var small = [Double](repeating: 0, count: 2 * smallSize)
            forEachSample { sample, pixel in
                small[2 * sample] = complex[2 * pixel]
                small[2 * sample + 1] = complex[2 * pixel + 1]
            }
            pair.unpack(small, planeSize: smallSize, into: &planes)
        }
        return try shape.tensor(height: observationHeight, width: observationWidth, planes)
    }

    /// Inserts zeros and correlates.
    public func adjoint(_ observation: Tensor) throws -> Tensor {
        let shape = try observationShape(observation)
        var planes = [Double](repeating: 0, count: shape.images * shape.channels * blur.planeSize)
        for pair in shape.pairs {
            var complex = zeroInserted(observation, pair)
            try blur.filter(&complex, transposed: true)
            pair.unpack(complex, planeSize: blur.planeSize, into: &planes)
        }
        return try shape.tensor(height: height, width: width, planes)
    }

    /// Blurs, keeps every `factor`-th pixel and correlates: in the spectrum, a mean over aliases between two products.
    public func gram(_ image: Tensor) throws -> Tensor {
        let shape = try ImageShape(image, name: "image")
        try shape.require(height: height, width: width, name: "image")
        var planes = [Double](repeating: 0, count: image.values.count)
        for pair in shape.pairs {
            var spectrum = pair.packed(image.values, planeSize: blur.planeSize)
            try blur.fourier.forward(&spectrum)
            blur.multiply(&spectrum)
            tile(folded(spectrum, components: 2), into: &spectrum)
            blur.multiplyConjugate(&spectrum)
            try blur.fourier.inverse(&spectrum)
            pair.unpack(spectrum, planeSize: blur.planeSize, into: &planes)
        }
        return try shape.tensor(height: height, width: width, planes)
    }

    /// The factor: an observation has 1/`factor`² of the image's pixels.
    public var samplingFactor: Int { factor }

    /// Bicubic interpolation to the full size.
    public func initialEstimate(_ observation: Tensor) throws -> Tensor {
        _ = try observationShape(observation)
        return try CubicConvolution.upsampled(observation, factor: factor)
    }

    /// Aᵀ(AAᵀ)†y: AAᵀ is a filter of the small image, fold(|Λ|²), whose roots are compared with the threshold.
    public func pseudoInverse(_ observation: Tensor, relativeThreshold: Double) throws -> Tensor {
        try requireThreshold(relativeThreshold)
        let shape = try observationShape(observation)
        let power = folded(blur.power, components: 1)
        let smallest = relativeThreshold * relativeThreshold * (power.max() ?? 0)
        var planes = [Double](repeating: 0, count: shape.planes * blur.planeSize)
        for pair in shape.pairs {
            var spectrum = zeroInserted(observation, pair)
            try blur.fourier.forward(&spectrum)
            for row in 0..<height {
                for column in 0..<width {
                    let alias = power[row % observationHeight * observationWidth + column % observationWidth]
                    let scale = alias >= smallest && alias > 0 ? 1 / alias : 0
                    spectrum[2 * (row * width + column)] *= scale
                    spectrum[2 * (row * width + column) + 1] *= scale
                }
            }
            blur.multiplyConjugate(&spectrum)
            try blur.fourier.inverse(&spectrum)
            pair.unpack(spectrum, planeSize: blur.planeSize, into: &planes)
        }
        return try shape.tensor(height: height, width: width, planes)
    }

    /// x = F⁻¹[(d − Λ̄·tile(fold(Λd)/(fold(|Λ|²) + τ)))/τ] with d = Λ̄·F(Sᵀy) + τ·Fm, fold the mean over aliases.
    public func tikhonovSolution(observation: Tensor, mean: [Double], weight: Double) throws -> [Double] {
        let shape = try observationShape(observation)
        try ProximalObjective.require(mean, images: shape, height: height, width: width)
        let denominator = folded(blur.power, components: 1).map { $0 + weight }
        var solution = mean
        for pair in shape.pairs {
            var data = zeroInserted(observation, pair)
            try blur.fourier.forward(&data)
            blur.multiplyConjugate(&data)
            var centre = pair.packed(mean, planeSize: blur.planeSize)
            try blur.fourier.forward(&centre)
            for part in data.indices { data[part] += weight * centre[part] }

            var correction = data
            blur.multiply(&correction)
            var aliased = folded(correction, components: 2)
            for frequency in denominator.indices {
                aliased[2 * frequency] /= denominator[frequency]
                aliased[2 * frequency + 1] /= denominator[frequency]
            }
            tile(aliased, into: &correction)
            blur.multiplyConjugate(&correction)
            for part in data.indices { data[part] = (data[part] - correction[part]) / weight }
            try blur.fourier.inverse(&data)
            pair.unpack(data, planeSize: blur.planeSize, into: &solution)
        }
        return solution
    }

    func observationShape(_ observation: Tensor) throws -> ImageShape {
        let shape = try ImageShape(observation, name: "observation")
        try shape.require(height: observationHeight, width: observationWidth, name: "observation")
        return shape
    }

    /// Calls with the index of every pixel of an observation and of the full image's pixel it samples.
    private func forEachSample(_ body: (_ sample: Int, _ pixel: Int) -> Void) {
        for row in 0..<observationHeight {
            for column in 0..<observationWidth {
                body(row * observationWidth + column, row * factor * width + column * factor)
            }
        }
    }

    /// Sᵀ of a plane pair.
    private func zeroInserted(_ observation: Tensor, _ pair: PlanePair) -> [Double] {
        let small = pair.packed(observation.values, planeSize: observationHeight * observationWidth)
        var full = [Double](repeating: 0, count: 2 * blur.planeSize)
        forEachSample { sample, pixel in
            full[2 * pixel] = small[2 * sample]
            full[2 * pixel + 1] = small[2 * sample + 1]
        }
        return full
    }

    /// The mean over the factor² frequencies that decimation maps onto each other.
    private func folded(_ spectrum: [Double], components: Int) -> [Double] {
        let rowLength = observationWidth * components
        var result = [Double](repeating: 0, count: observationHeight * rowLength)
        let scale = 1 / Double(factor * factor)
        for row in 0..<height {
            let target = row % observationHeight * rowLength
            for part in 0..<width * components {
                result[target + part % rowLength] += spectrum[row * width * components + part] * scale
            }
        }
        return result
    }

    /// Repeats a folded complex spectrum over all aliases.
    private func tile(_ aliased: [Double], into spectrum: inout [Double]) {
        let rowLength = 2 * observationWidth
        for row in 0..<height {
            let source = row % observationHeight * rowLength
            for part in 0..<2 * width { spectrum[row * 2 * width + part] = aliased[source + part % rowLength] }
        }
    }
}
