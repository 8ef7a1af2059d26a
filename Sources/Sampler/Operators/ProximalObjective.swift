import UD2MFormats
import UD2MRuntime

/// The objective of a proximal step (`sampler.md` §8):
/// ‖Ax − y‖²/(2λσ²) + ‖x − xₜ/√ᾱₜ‖²/(2σₜ²) + ‖x − s‖²/(2δ).
public struct ProximalObjective: Sendable {
    /// y, in [-1, 1] units.
    public let observation: Tensor
    /// σ, the standard deviation of the observation's noise in [-1, 1] units.
    public let noiseLevel: Double
    /// λ, which multiplies σ²: smaller trusts the observation more.
    public let dataWeight: Double
    /// xₜ, the noisy state of the outer loop.
    public let state: Tensor
    /// √ᾱₜ, the weight of the clean image in xₜ.
    public let stateScale: Double
    /// σₜ = √(1−ᾱₜ)/√ᾱₜ.
    public let stateNoiseLevel: Double
    /// s, where the step starts.
    public let anchor: Tensor
    /// δ, the step size.
    public let stepSize: Double

    /// Creates an objective.
    /// - Throws: `UD2MError` with code `operator-parameter` unless all scalars are positive, and neither they nor their
    ///   squares overflow or vanish; `operator-shape`, tensor `state`, unless state and anchor have one shape.
    public init(
        observation: Tensor, noiseLevel: Double, dataWeight: Double = 1, state: Tensor, stateScale: Double,
        stateNoiseLevel: Double, anchor: Tensor, stepSize: Double
    ) throws {
        guard state.shape == anchor.shape else {
            throw UD2MError(
                .operatorShape, "The noisy state has shape \(state.shape), the start of the step \(anchor.shape).",
                at: UD2MError.Location(tensor: "state"))
        }
        self.observation = observation
        self.noiseLevel = noiseLevel
        self.dataWeight = dataWeight
        self.state = state
        self.stateScale = stateScale
        self.stateNoiseLevel = stateNoiseLevel
        self.anchor = anchor
        self.stepSize = stepSize
        let scalars = [noiseLevel, dataWeight, stateScale, stateNoiseLevel, stepSize]
        guard scalars.allSatisfy({ $0.isFinite && $0 > 0 }), mergedWeight.isNormal, statePrecision.isFinite,
            anchorPrecision.isFinite
        else {
            throw UD2MError(
                .operatorParameter,
                "σ, λ, √ᾱ, σₜ and δ must be positive and of ordinary size, not \(scalars).")
        }
    }

    /// 1/σₜ².
    private var statePrecision: Double { 1 / (stateNoiseLevel * stateNoiseLevel) }
    /// 1/δ.
    private var anchorPrecision: Double { 1 / stepSize }

    /// τ = λσ²(1/σₜ² + 1/δ): the weight of the two terms without A, once merged, relative to the data term.
    var mergedWeight: Double { dataWeight * noiseLevel * noiseLevel * (statePrecision + anchorPrecision) }

    /// (1/σₜ² + 1/δ)^(−½): the standard deviation of the two terms without A, once merged.
    var openDeviation: Double { 1 / (statePrecision + anchorPrecision).squareRoot() }

    /// m = (xₜ/(√ᾱₜσₜ²) + s/δ)/(1/σₜ² + 1/δ): the centre of the two terms without A, once merged.
    var mergedMean: [Double] {
        let total = statePrecision + anchorPrecision
        let stateWeight = statePrecision / (stateScale * total)
        let anchorWeight = anchorPrecision / total
        return zip(state.values, anchor.values).map { stateWeight * Double($0) + anchorWeight * Double($1) }
    }

    /// Throws unless images and observation have one shape, as operators need that keep an image's size.
    func requireImagesLikeObservation() throws {
        guard anchor.shape == observation.shape else {
            throw UD2MError(
                .operatorShape, "The image has shape \(anchor.shape), the observation \(observation.shape).",
                at: UD2MError.Location(tensor: "state"))
        }
    }

    /// Throws unless `mean` holds one value for every element of images that a linear operator makes of `shape`.
    static func require(_ mean: [Double], images shape: ImageShape, height: Int, width: Int) throws {
        guard mean.count == shape.images * shape.channels * height * width else {
            throw UD2MError(
                .operatorShape,
                "The image has \(mean.count) values; the observation's would have "
                    + "\(shape.images)×\(shape.channels)×\(height)×\(width).",
                at: UD2MError.Location(tensor: "state"))
        }
    }
}
