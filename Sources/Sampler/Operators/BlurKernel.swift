import UD2MFormats

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
    /// What the weights follow, where the paper's code treats kernels differently.
    public let family: Family

    /// Kinds of kernels that the paper's code tells apart.
    public enum Family: Sendable, Hashable {
        /// An isotropic Gaussian, for which it has a closed form.
        case gaussian
        /// Any other.
        case other
    }

    /// The largest side that is accepted.
    public static let largestSide = 4096

    /// Creates a kernel from its weights, as they are.
    /// - Throws: `UD2MError` with code `kernel-invalid` unless both sides are in 1 ... ``largestSide``, their product is
    ///   the number of weights, and every weight is finite.
    public init(
        rows: Int, columns: Int, weights: [Double], summary: String = "custom", family: Family = .other
    ) throws {
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
        self.family = family
    }

    /// Throws `kernel-invalid` when the kernel is larger than images of a size, `operator-shape` when there are none.
    func requireFits(height: Int, width: Int) throws {
        try PlaneSize(height: height, width: width).requireSound()
        guard rows <= height, columns <= width else {
            throw UD2MError(
                .kernelInvalid,
                "A kernel of \(columns)×\(rows) pixels is larger than the image of \(width)×\(height).",
                remedy: "Use a smaller kernel or a larger image.")
        }
    }

    /// The kernel with rows and columns exchanged.
    func transposed() throws -> BlurKernel {
        let flipped = (0..<columns).flatMap { column in (0..<rows).map { weights[$0 * columns + column] } }
        return try BlurKernel(rows: columns, columns: rows, weights: flipped, summary: summary, family: family)
    }

    /// The kernel scaled to sum 1, so that it keeps an image's brightness.
    /// - Throws: `UD2MError` with code `kernel-invalid` unless the sum is positive and of ordinary size.
    public func normalized() throws -> BlurKernel {
        let sum = weights.reduce(0, +)
        guard sum.isNormal, sum > 0 else {
            throw UD2MError(.kernelInvalid, "A kernel whose weights sum to \(sum) cannot be normalised.")
        }
        return try BlurKernel(
            rows: rows, columns: columns, weights: weights.map { $0 / sum }, summary: summary, family: family)
    }
}
