import UD2MFormats
import UD2MLinearAlgebra

/// The Fréchet distance of two Gaussians, which on Inception features is FID (Heusel et al. 2017).
///
/// `|μ₁ - μ₂|² + tr Σ₁ + tr Σ₂ - 2 tr (Σ₁Σ₂)^½`. With Σ = QΛQᵀ, the last trace is the sum of the singular values of
/// `Λ₁^½ Q₁ᵀ Q₂ Λ₂^½`: its square times its transpose has the eigenvalues of Σ₁Σ₂. Working with the roots keeps twice
/// the digits of taking roots of the product's eigenvalues, which matters because covariances of fewer images than
/// features are singular.
///
/// pytorch-fid takes a general matrix square root of Σ₁Σ₂ instead. Where that is not finite it adds 1e-6 to both
/// diagonals, and it refuses a result whose diagonal has an imaginary part above 1e-3. Neither can happen here: singular
/// covariances need no help, and what would become imaginary shows as negative eigenvalues, of which those within
/// rounding count as zero and larger ones are refused.
public enum FrechetDistance {
    /// Negative eigenvalues up to this part of the largest one are rounding; files may hold float32 covariances.
    private static let tolerance = 1e-4

    /// The distance; zero for equal statistics, up to rounding.
    /// - Throws: ``UD2MFormats/UD2MError``: `feature-count` when the lengths differ, `statistics-invalid` when a
    ///   covariance has a negative eigenvalue, `matrix-not-converged`.
    public static func distance(_ a: FeatureStatistics, _ b: FeatureStatistics) throws -> Double {
        guard a.mean.count == b.mean.count else {
            throw UD2MError(
                .featureCount,
                "Statistics of \(a.mean.count) and of \(b.mean.count) features cannot be compared.")
        }
        var square = 0.0
        for (left, right) in zip(a.mean, b.mean) { square += (left - right) * (left - right) }
        let roots = try LinearAlgebra.product(root(of: a.covariance), root(of: b.covariance), transposingRight: true)
        let common = try LinearAlgebra.singularValues(roots).reduce(0, +)
        return square + a.covariance.trace + b.covariance.trace - 2 * common
    }

    /// `Λ^½ Qᵀ`.
    private static func root(of covariance: Matrix) throws -> Matrix {
        var (values, vectors) = try LinearAlgebra.symmetricEigen(covariance)
        let largest = values.last ?? 0
        guard let smallest = values.first, smallest >= -tolerance * max(largest, 0) else {
            throw UD2MError(.statisticsInvalid, "A covariance has a negative eigenvalue.")
        }
        vectors.scaleRows(by: values.map { max($0, 0).squareRoot() })
        return vectors
    }
}
