import UD2MFormats
import UD2MLinearAlgebra

/// Gathers the mean and the covariance of feature vectors in one pass, in double precision.
///
/// Vectors are taken in blocks: each block is centred on its own mean before products are summed, and blocks are joined
/// by the pairwise update of Chan, Golub and LeVeque (1983), so that nothing is lost when the mean is far from zero.
/// Memory: d² + 128·d numbers, however many vectors there are. The result depends on the order of the vectors and not on
/// how calls divide them.
public struct FeatureAccumulator: Sendable {
    /// The length of a vector.
    public let length: Int
    /// The vectors added so far.
    public private(set) var count = 0

    private static let blockSize = 128

    private var block: [Double] = []
    private var blockedCount = 0
    private var mean: [Double]
    /// Sums of products of deviations from `mean`; the upper triangle only.
    private var deviations: Matrix

    /// Starts with no vectors of `length` elements.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `matrix-shape` when the length is none of a matrix.
    public init(length: Int) throws {
        self.length = length
        deviations = try Matrix(
            rows: length, columns: length,
            values: [Double](repeating: 0, count: length > 0 && length <= Matrix.maximumSide ? length * length : 0))
        mean = [Double](repeating: 0, count: length)
    }

    /// Adds the vectors of a tensor [N, d], or [N, d, 1, 1].
    /// - Throws: ``UD2MFormats/UD2MError``: `feature-count` for another length, `feature-not-finite`.
    public mutating func add(_ features: Tensor) throws {
        guard let rows = features.shape.first, features.values.count == rows * length else {
            throw UD2MError(.featureCount, "Features of shape \(features.shape) are no vectors of \(length) elements.")
        }
        guard features.values.allSatisfy(\.isFinite) else {
            throw UD2MError(.featureNotFinite, "A feature is not a finite number.")
        }
        for row in 0..<rows {
            block.append(contentsOf: features.values[row * length..<(row + 1) * length].lazy.map(Double.init))
            count += 1
            if block.count == Self.blockSize * length { try flush() }
        }
    }

    /// The statistics of what was added.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `feature-count` for fewer than two vectors.
    public func statistics() throws -> FeatureStatistics {
        guard count >= 2 else {
            throw UD2MError(.featureCount, "A covariance needs two vectors or more; there are \(count).")
        }
        var copy = self
        try copy.flush()
        let scale = 1 / Double(count - 1)
        var values = copy.deviations.values
        for row in 0..<length {
            for column in row..<length {
                let value = values[row * length + column] * scale
                values[row * length + column] = value
                values[column * length + row] = value
            }
        }
        return try FeatureStatistics(
            count: count, mean: copy.mean,
            covariance: try Matrix(rows: length, columns: length, values: values))
    }

    /// Joins the block with what was gathered before.
    private mutating func flush() throws {
        let rows = block.count / length
        guard rows > 0 else { return }
        var blockMean = [Double](repeating: 0, count: length)
        for row in 0..<rows {
            for column in 0..<length { blockMean[column] += block[row * length + column] }
        }
        for column in 0..<length { blockMean[column] /= Double(rows) }
        for row in 0..<rows {
            for column in 0..<length { block[row * length + column] -= blockMean[column] }
        }
        // The distance of the two means counts as one more deviation, weighted by n·b/(n + b).
        let (before, added) = (Double(blockedCount), Double(rows))
        let weight = (before * added / (before + added)).squareRoot()
        for column in 0..<length {
            let difference = blockMean[column] - mean[column]
            block.append(weight * difference)
            mean[column] += difference * added / (before + added)
        }
        try LinearAlgebra.addGram(of: block, to: &deviations)
        blockedCount += rows
        block.removeAll(keepingCapacity: true)
    }
}
