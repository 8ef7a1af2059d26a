/// A linear map A from images to observations, as a reconstruction network sees it.
///
/// Images are NCHW tensors of any number of items and channels, on any scale: a linear map knows none. Every item is
/// measured by itself.
public protocol LinearMeasurement: Sendable {
    /// How many times smaller than the image an observation is in each direction; 1 unless the map samples pixels.
    var samplingFactor: Int { get }

    /// A x.
    /// - Throws: `UD2MError` when the image's size is not the map's.
    func apply(_ image: Tensor) throws -> Tensor

    /// An observation without what the map cannot have made, such as values at missing pixels.
    /// - Throws: `UD2MError` when the observation's size is not the map's.
    func observed(_ observation: Tensor) throws -> Tensor

    /// Aᵀ y.
    /// - Throws: `UD2MError` when the observation's size is not the map's.
    func adjoint(_ observation: Tensor) throws -> Tensor

    /// AᵀA x.
    /// - Throws: `UD2MError` when the image's size is not the map's.
    func gram(_ image: Tensor) throws -> Tensor

    /// The minimiser of γ/2·‖Ax − y‖² + ½‖x − z‖² where a formula gives it, or nil.
    /// - Parameters:
    ///   - observation: y.
    ///   - centre: z, of the image's shape.
    ///   - weight: γ, positive.
    /// - Returns: x, or nil.
    /// - Throws: `UD2MError` when a size is not the map's.
    func proximalPoint(observation: Tensor, centre: Tensor, weight: Double) throws -> Tensor?
}

extension LinearMeasurement {
    /// 1: observations have the image's size.
    public var samplingFactor: Int { 1 }

    /// The observation as it is.
    public func observed(_ observation: Tensor) throws -> Tensor { observation }

    /// A, then Aᵀ.
    public func gram(_ image: Tensor) throws -> Tensor {
        try adjoint(apply(image))
    }

    /// Nil: no formula is known.
    public func proximalPoint(observation: Tensor, centre: Tensor, weight: Double) throws -> Tensor? {
        nil
    }
}
