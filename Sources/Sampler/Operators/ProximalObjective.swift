import UD2MFormats
import UD2MRuntime

/// The objective of a proximal step (`sampler.md` §8):
/// ‖Ax − y‖²/(2λσ²) + ‖x − xₜ/√ᾱₜ‖²/(2σₜ²) + ‖x − s‖²/(2δ).
public struct ProximalObjective: Sendable {
    /// y, in [-1, 1] units.
    public let observation: Tensor
    /// xₜ, the noisy state of the outer loop.
    public let state: Tensor
    /// s, where the step starts.
    public let anchor: Tensor
    let scalars: ProximalScalars
    /// σ, the standard deviation of the observation's noise in [-1, 1] units.
    public var noiseLevel: Double { scalars.noiseLevel }
    /// λ, which multiplies σ²: smaller trusts the observation more.
    public var dataWeight: Double { scalars.dataWeight }
    /// √ᾱₜ, the weight of the clean image in xₜ.
    public var stateScale: Double { scalars.stateScale }
    /// σₜ = √(1−ᾱₜ)/√ᾱₜ.
    public var stateNoiseLevel: Double { scalars.stateNoiseLevel }
    /// δ, the step size.
    public var stepSize: Double { scalars.stepSize }

    /// Creates an objective.
    /// - Throws: `UD2MError` with code `operator-parameter` unless all scalars are positive, and neither they nor their
    ///   squares overflow or vanish; `operator-shape`, tensor `state`, unless state and anchor have one shape.
    public init(
        observation: Tensor, noiseLevel: Double, dataWeight: Double = 1, state: Tensor, stateScale: Double,
        stateNoiseLevel: Double, anchor: Tensor, stepSize: Double
    ) throws {
        try self.init(
            observation: observation, state: state, anchor: anchor,
            scalars: ProximalScalars(
                noiseLevel: noiseLevel, dataWeight: dataWeight, stateScale: stateScale,
                stateNoiseLevel: stateNoiseLevel, stepSize: stepSize))
    }

    /// Creates an objective of scalars that were checked.
    /// - Throws: `UD2MError` with code `operator-shape`, tensor `state`, unless state and anchor have one shape.
    init(observation: Tensor, state: Tensor, anchor: Tensor, scalars: ProximalScalars) throws {
        guard state.shape == anchor.shape else {
            throw UD2MError(
                .operatorShape, "The noisy state has shape \(state.shape), the start of the step \(anchor.shape).",
                at: UD2MError.Location(tensor: "state"))
        }
        self.observation = observation
        self.state = state
        self.anchor = anchor
        self.scalars = scalars
    }

    /// τ: the weight of the two terms without A, once merged, relative to the data term.
    var mergedWeight: Double { scalars.mergedWeight }

    /// (1/σₜ² + 1/δ)^(−½): the standard deviation of the two terms without A, once merged.
    var openDeviation: Double { scalars.openDeviation }

    /// m = (xₜ/(√ᾱₜσₜ²) + s/δ)/(1/σₜ² + 1/δ): the centre of the two terms without A, once merged.
    var mergedMean: [Double] {
        let (stateWeight, anchorWeight) = (scalars.stateWeight, scalars.anchorWeight)
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
