import UD2MFormats
import UD2MRuntime

/// Where an outer step of the sampler starts from.
public enum WarmStart: String, Sendable, Hashable, CaseIterable {
    /// A plain estimate from the observation, once for the whole run: ``ForwardOperator/initialEstimate(_:)``.
    case plain
    /// Aᵀy and the last estimate, weighted by each other's noise, before every step: what the paper's code does.
    case weightedAdjoint = "adjoint"
    /// A†y, once for the whole run: ``ForwardOperator/pseudoInverse(_:)``.
    case pseudoInverse = "pseudo-inverse"
    /// The RAM network's estimate from observation and noisy state, before every step: ``RAMInitialEstimate``.
    case ram
}

extension ForwardOperator {
    /// The weighted adjoint of the paper's code (`sampler.md` §7.6): (Aᵀy·s + √ᾱ·x·σ)/√(σ² + s²).
    ///
    /// The weights do not add up to one; the checkpoints were trained with them as they are.
    /// - Parameters:
    ///   - observation: y, in [-1, 1] units.
    ///   - estimate: x, the state that the sampler carries: noise at first, then what the last transition gave.
    ///   - noiseLevel: σ of the observation, in [-1, 1] units.
    ///   - signalScale: √ᾱₜ.
    ///   - noiseScale: s = √(1 − ᾱₜ).
    /// - Returns: Images of the operator's size.
    /// - Throws: `UD2MError` with code `operator-shape` when a size does not fit, `operator-parameter` when σ and s are
    ///   not finite or both zero.
    public func weightedAdjointStart(
        observation: Tensor, estimate: Tensor, noiseLevel: Double, signalScale: Double, noiseScale: Double
    ) throws -> Tensor {
        let length = (noiseLevel * noiseLevel + noiseScale * noiseScale).squareRoot()
        guard length.isNormal, signalScale.isFinite else {
            throw UD2MError(
                .operatorParameter,
                "σ = \(noiseLevel), √ᾱ = \(signalScale) and √(1−ᾱ) = \(noiseScale) give no weights.")
        }
        let adjoint = try publishedStart(observation)
        guard adjoint.shape == estimate.shape else {
            throw UD2MError(
                .operatorShape, "The state has shape \(estimate.shape), the image \(adjoint.shape).",
                at: UD2MError.Location(tensor: "state"))
        }
        return try adjoint.combined(noiseScale / length, estimate, signalScale * noiseLevel / length)
    }
}
