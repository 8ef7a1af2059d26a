/// The measurement of denoising: the image itself.
public struct IdentityMeasurement: LinearMeasurement {
    /// Creates the identity.
    public init() {}

    /// The image.
    public func apply(_ image: Tensor) -> Tensor { image }

    /// The observation.
    public func adjoint(_ observation: Tensor) -> Tensor { observation }

    /// The image.
    public func gram(_ image: Tensor) -> Tensor { image }

    /// (γy + z)/(γ + 1).
    /// - Throws: `tensor-shape` when the shapes differ.
    public func proximalPoint(observation: Tensor, centre: Tensor, weight: Double) throws -> Tensor? {
        try observation.combined(weight / (weight + 1), centre, 1 / (weight + 1))
    }
}
