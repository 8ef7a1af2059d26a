/// A measurement times a number, for stacks of measurements with different noise: c·A.
public struct ScaledMeasurement: LinearMeasurement {
    /// A.
    public let base: any LinearMeasurement
    /// c.
    public let scale: Double

    /// Scales a measurement.
    public init(_ base: some LinearMeasurement, by scale: Double) {
        self.base = base
        self.scale = scale
    }

    /// The base's factor.
    public var samplingFactor: Int { base.samplingFactor }

    /// c·A x.
    public func apply(_ image: Tensor) throws -> Tensor {
        try base.apply(image).scaled(by: scale)
    }

    /// What the base leaves of it.
    public func observed(_ observation: Tensor) throws -> Tensor { try base.observed(observation) }

    /// c·Aᵀ y.
    public func adjoint(_ observation: Tensor) throws -> Tensor {
        try base.adjoint(observation).scaled(by: scale)
    }

    /// c²·AᵀA x.
    public func gram(_ image: Tensor) throws -> Tensor {
        try base.gram(image).scaled(by: scale * scale)
    }

    /// The base's formula for y/c and γc².
    public func proximalPoint(observation: Tensor, centre: Tensor, weight: Double) throws -> Tensor? {
        guard scale != 0 else { return centre }
        return try base.proximalPoint(
            observation: observation.scaled(by: 1 / scale), centre: centre, weight: weight * scale * scale)
    }
}
