import UD2MFormats
import UD2MLinearAlgebra

/// The mean and the covariance of feature vectors: all that the Fréchet distance asks of a set of images.
public struct FeatureStatistics: Sendable, Hashable {
    /// The number of vectors, or nil where a file does not say.
    public let count: Int?
    /// The mean, d elements.
    public let mean: [Double]
    /// The covariance, d×d and symmetric, normalised with count - 1.
    public let covariance: Matrix

    /// Creates statistics that come from elsewhere.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `statistics-invalid` when the sizes do not fit, an element is not
    ///   finite, or the covariance is not symmetric to a millionth of its largest element.
    public init(count: Int? = nil, mean: [Double], covariance: Matrix) throws {
        let d = mean.count
        guard covariance.rows == d, covariance.columns == d else {
            throw UD2MError(
                .statisticsInvalid,
                "A mean of \(d) elements and a covariance of \(covariance.rows)×\(covariance.columns) do not fit.")
        }
        guard mean.allSatisfy(\.isFinite), covariance.values.allSatisfy(\.isFinite) else {
            throw UD2MError(.statisticsInvalid, "The statistics hold something that is not a finite number.")
        }
        let largest = covariance.values.reduce(0) { max($0, $1.magnitude) }
        for row in 0..<d {
            for column in 0..<row {
                let difference = covariance.values[row * d + column] - covariance.values[column * d + row]
                guard difference.magnitude <= 1e-6 * largest else {
                    throw UD2MError(.statisticsInvalid, "The covariance is not symmetric at (\(row), \(column)).")
                }
            }
        }
        self.count = count
        self.mean = mean
        self.covariance = covariance
    }
}

extension UD2MError.Code {
    /// A mean and a covariance that are none of any set of vectors.
    public static let statisticsInvalid = Self("statistics-invalid", .badData)
    /// Two sets of features have vectors of different lengths, or one has too few.
    public static let featureCount = Self("feature-count", .usage)
    /// A feature is not a finite number.
    public static let featureNotFinite = Self("feature-not-finite", .badData)
}
