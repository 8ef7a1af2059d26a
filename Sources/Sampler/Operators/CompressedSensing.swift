import UD2MFormats
import UD2MRuntime

/// A few numbers that each depend on every pixel: random signs, an orthonormal transform, and a random choice of its
/// coefficients, A = s·R·H·D.
///
/// H is the Hartley transform, Re − Im of the Fourier transform over √pixels: real, symmetric, its own inverse, and fast
/// for any size. So AAᵀ = s²·I, and every least-squares problem has a closed form. Measurements fill whole rows of the
/// image's width. Signs D and choice R follow from the seed alone.
public struct CompressedSensing: LinearForwardOperator {
    /// The images' size.
    public let imageSize: PlaneSize
    /// Whole rows of measurements.
    public let observationSize: PlaneSize
    /// What signs and coefficients were drawn from.
    public let seed: UInt64
    /// s: measurements of an image in [-1, 1] are at most of the order of 4s, whatever the image.
    public let scale: Double
    private let fourier: FFT2D
    /// Which pixels change their sign.
    package let signs: [Bool]
    /// The coefficients that are measured, ascending.
    package let chosen: [Int]

    /// Draws an operator.
    /// - Parameters:
    ///   - height: The images' height.
    ///   - width: The images' width.
    ///   - rows: Rows of measurements, 1 to the height; rows/height is the share of the image that is measured.
    ///   - seed: What signs and coefficients are drawn from.
    ///   - scale: s, positive.
    /// - Throws: `UD2MError` with code `operator-shape` for a size that cannot be transformed, `operator-parameter` for
    ///   rows or a scale out of range.
    public init(height: Int, width: Int, rows: Int, seed: UInt64, scale: Double = 1) throws {
        imageSize = PlaneSize(height: height, width: width)
        try imageSize.requireSound()
        guard (1...height).contains(rows) else {
            throw UD2MError(
                .operatorParameter, "Of \(height) rows, 1 to \(height) can be measured, not \(rows).")
        }
        guard scale.isFinite, scale > 0, (scale * scale).isNormal else {
            throw UD2MError(.operatorParameter, "Measurements need a positive scale, not \(scale).")
        }
        observationSize = PlaneSize(height: rows, width: width)
        self.seed = seed
        self.scale = scale
        fourier = try FFT2D(rows: height, columns: width)
        let count = imageSize.count
        // Two items of the seed, so that the draws are independent of each other and of any noise.
        signs = try PhiloxNoise(seed: seed, item: 0x5349_474E).uniforms(.mask, sample: 0, shape: [count]).values
            .map { $0 < 0.5 }
        let ranks = try PhiloxNoise(seed: seed, item: 0x524F_5753).uniforms(.mask, sample: 0, shape: [count]).values
        let order = (0..<count).sorted { (ranks[$0], $0) < (ranks[$1], $1) }
        chosen = order.prefix(observationSize.count).sorted()
    }

    /// `"compressed-sensing"`.
    public var name: String { "compressed-sensing" }

    /// Rows, seed and scale.
    public var parameters: [OperatorParameter] {
        [
            OperatorParameter("rows", .integer(observationSize.height)),
            OperatorParameter("seed", .text(String(seed))), OperatorParameter("scale", .number(scale)),
        ]
    }

    /// Signs and choice, and what a plane's transforms take.
    public var memory: OperatorMemory { OperatorMemory(bytesPerPixel: 80, bytesPerValue: 24) }

    /// Signs, transform, choice.
    public func applied(to plane: [Double]) throws -> [Double] {
        let coefficients = try transformed(signed(plane))
        return chosen.map { scale * coefficients[$0] }
    }

    /// Zeros for what was not chosen, transform, signs.
    public func transposed(of plane: [Double]) throws -> [Double] {
        var coefficients = [Double](repeating: 0, count: imageSize.count)
        for (value, index) in zip(plane, chosen) { coefficients[index] = scale * value }
        return signed(try transformed(coefficients))
    }

    /// Aᵀy/s², whatever the threshold: all directions count alike.
    public func pseudoInverse(_ observation: Tensor, relativeThreshold: Double) throws -> Tensor {
        try requireThreshold(relativeThreshold)
        return try eachPlane(of: observation, name: "observation", from: observationSize, to: imageSize) { plane in
            try transposed(of: plane).map { $0 / (scale * scale) }
        }
    }

    /// x = m + Aᵀ(y − Am)/(s² + τ).
    public func tikhonovSolution(observation: Tensor, mean: [Double], weight: Double) throws -> [Double] {
        try eachTikhonovPlane(observation: observation, mean: mean) { observed, mean in
            let misfit = zip(observed, try applied(to: mean)).map { $0 - $1 }
            return zip(mean, try transposed(of: misfit)).map { $0 + $1 / (scale * scale + weight) }
        }
    }

    private func signed(_ plane: [Double]) -> [Double] { zip(plane, signs).map { $1 ? -$0 : $0 } }

    private func transformed(_ plane: [Double]) throws -> [Double] {
        var complex = PlanePair(first: 0, second: nil).packed(plane, planeSize: plane.count)
        try fourier.forward(&complex)
        let norm = 1 / Double(plane.count).squareRoot()
        return (0..<plane.count).map { norm * (complex[2 * $0] - complex[2 * $0 + 1]) }
    }
}
