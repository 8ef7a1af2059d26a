import UD2MFormats
import UD2MRuntime

/// An estimate of the clean image from the observation and the noisy state together, by the RAM network
/// (`sampler.md` §7.7).
///
/// The two are stacked as one linear map after scaling both to the smaller of their noise levels.
public struct RAMInitialEstimate: Sendable {
    /// The network.
    public let network: RAMNetwork
    /// A.
    public let forwardOperator: any LinearForwardOperator
    /// σ, the standard deviation of the observation's noise, in [-1, 1] units.
    public let noiseLevel: Double
    /// Whose semantics the network follows; nil for its own.
    public let flavour: RAMConfiguration.Flavour?

    /// Creates an estimator.
    /// - Throws: `UD2MError` with code `operator-parameter` unless `noiseLevel` is positive and finite.
    public init(
        network: RAMNetwork, forwardOperator: some LinearForwardOperator, noiseLevel: Double,
        flavour: RAMConfiguration.Flavour? = nil
    ) throws {
        guard noiseLevel.isFinite, noiseLevel > 0 else {
            throw UD2MError(.operatorParameter, "A noise level must be positive, not \(noiseLevel).")
        }
        self.network = network
        self.forwardOperator = forwardOperator
        self.noiseLevel = noiseLevel
        self.flavour = flavour
    }

    /// The estimator of the paper's code, which its checkpoints were trained with: RAM is told of bicubic downsampling
    /// whatever the kernel of a super-resolution operator is (`sampler.md` §7.7).
    /// - Throws: As ``init(network:forwardOperator:noiseLevel:flavour:)``, and `kernel-invalid` for images that are smaller
    ///   than the bicubic kernel.
    public static func published(
        network: RAMNetwork, forwardOperator: some LinearForwardOperator, noiseLevel: Double,
        flavour: RAMConfiguration.Flavour? = nil
    ) throws -> Self {
        guard let seen = forwardOperator as? SuperResolution else {
            return try Self(
                network: network, forwardOperator: forwardOperator, noiseLevel: noiseLevel, flavour: flavour)
        }
        let told = try SuperResolution(
            factor: seen.factor, kernel: .bicubic(factor: seen.factor), height: seen.height, width: seen.width)
        return try Self(network: network, forwardOperator: told, noiseLevel: noiseLevel, flavour: flavour)
    }

    /// Estimates the clean image.
    /// - Parameters:
    ///   - observation: y, in [-1, 1] units.
    ///   - state: xₜ = √ᾱₜ·x₀ + √(1−ᾱₜ)·n.
    ///   - signalScale: √ᾱₜ.
    ///   - noiseScale: √(1−ᾱₜ), positive.
    /// - Returns: Images in [-1, 1] units, not clamped.
    /// - Throws: `UD2MError` with code `operator-parameter` for a scale out of range, and the network's errors.
    public func estimate(
        observation: Tensor, state: Tensor, signalScale: Double, noiseScale: Double
    ) throws -> Tensor {
        let terms = try self.terms(
            observation: observation, state: state, signalScale: signalScale, noiseScale: noiseScale)
        let problem = RAMProblem(
            observations: terms.observations, through: terms.measurements, sigma: .uniform(terms.sigma))
        let image = try network.restore(problem, flavour: flavour)
        return try Tensor(shape: image.shape, values: image.values.map { 2 * $0 - 1 })
    }

    /// The two observations on the scale of images in [0, 1], with the same noise.
    private func terms(
        observation: Tensor, state: Tensor, signalScale: Double, noiseScale: Double
    ) throws -> (observations: [Tensor], measurements: [any LinearMeasurement], sigma: Double) {
        guard (0...1).contains(signalScale), noiseScale > 0, noiseScale <= 1 else {
            throw UD2MError(.operatorParameter, "√ᾱ = \(signalScale) and √(1−ᾱ) = \(noiseScale) are no noisy state.")
        }
        // Halved with the scale of the images.
        let levels = [noiseLevel / 2, noiseScale / 2]
        let sigma = min(levels[0], levels[1])
        let clean = try Tensor(
            shape: observation.shape, values: observation.values.map { min(max(($0 + 1) / 2, 0), 1) })
        let noisy = try Tensor(
            shape: state.shape, values: state.values.map { Float((Double($0) + signalScale) / 2) })
        return (
            [try clean.scaled(by: sigma / levels[0]), try noisy.scaled(by: sigma / levels[1])],
            [
                ScaledMeasurement(forwardOperator, by: sigma / levels[0]),
                ScaledMeasurement(IdentityMeasurement(), by: signalScale * sigma / levels[1]),
            ], sigma
        )
    }
}
