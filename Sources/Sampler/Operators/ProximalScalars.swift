import UD2MFormats

/// The numbers of a proximal step (``ProximalObjective``), and what they become when the two terms without A are merged.
struct ProximalScalars: Sendable {
    /// σ.
    let noiseLevel: Double
    /// λ.
    let dataWeight: Double
    /// √ᾱₜ.
    let stateScale: Double
    /// σₜ.
    let stateNoiseLevel: Double
    /// δ.
    let stepSize: Double

    /// - Throws: `UD2MError` with code `operator-parameter` unless all are positive, and neither they nor their squares
    ///   overflow or vanish.
    init(
        noiseLevel: Double, dataWeight: Double, stateScale: Double, stateNoiseLevel: Double, stepSize: Double
    ) throws {
        self.noiseLevel = noiseLevel
        self.dataWeight = dataWeight
        self.stateScale = stateScale
        self.stateNoiseLevel = stateNoiseLevel
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

    /// τ = λσ²(1/σₜ² + 1/δ).
    var mergedWeight: Double { dataWeight * noiseLevel * noiseLevel * (statePrecision + anchorPrecision) }

    /// (1/σₜ² + 1/δ)^(−½): the standard deviation of the two terms without A, once merged.
    var openDeviation: Double { 1 / (statePrecision + anchorPrecision).squareRoot() }

    /// The weight of xₜ in the merged centre.
    var stateWeight: Double { statePrecision / (stateScale * (statePrecision + anchorPrecision)) }

    /// The weight of s in the merged centre.
    var anchorWeight: Double { anchorPrecision / (statePrecision + anchorPrecision) }
}
