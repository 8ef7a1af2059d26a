import UD2MFormats

/// Several measurements of one image as one linear map to a list of observations, seen from a padded image: the rows
/// and columns of zeros at the top and left are no part of what is measured (`networks.md` §3.4).
struct MeasurementStack: Sendable {
    let measurements: [any LinearMeasurement]
    let padding: ZeroPadding

    /// Σ Aᵢᵀyᵢ, padded.
    func adjoint(_ observations: [Tensor]) throws -> Tensor {
        try padding.pad(Self.sum(zip(measurements, observations).map { try $0.adjoint($1) }))
    }

    /// Σ AᵢᵀAᵢx of the part inside the padding, padded.
    func gram(_ image: Tensor) throws -> Tensor {
        let inside = try padding.crop(image)
        return try padding.pad(Self.sum(measurements.map { try $0.gram(inside) }))
    }

    /// The minimiser of Σ γ/2·‖Aᵢx − yᵢ‖² + ½‖x − z‖² where a formula gives it: for one measurement without padding.
    func proximalPoint(observations: [Tensor], centre: Tensor, weight: Double) throws -> Tensor? {
        guard measurements.count == 1, observations.count == 1, !padding.isNeeded else { return nil }
        return try measurements[0].proximalPoint(observation: observations[0], centre: centre, weight: weight)
    }

    private static func sum(_ terms: [Tensor]) throws -> Tensor {
        guard var total = terms.first else {
            throw UD2MError(.inputMissing, "There is nothing to restore from.", at: .init(tensor: "y"))
        }
        for term in terms.dropFirst() { total = try total.combined(1, term, 1) }
        return total
    }
}
