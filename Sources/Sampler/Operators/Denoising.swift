import UD2MFormats
import UD2MRuntime

/// Noise alone: A is the identity.
public struct Denoising: LinearForwardOperator {
    /// The images' size.
    public let imageSize: PlaneSize

    /// Creates the operator for images of one size.
    /// - Throws: `UD2MError` with code `operator-shape` for an empty or overflowing size.
    public init(height: Int, width: Int) throws {
        imageSize = PlaneSize(height: height, width: width)
        try imageSize.requireSound()
    }

    /// `"denoising"`.
    public var name: String { "denoising" }

    /// None.
    public var parameters: [OperatorParameter] { [] }

    /// The images' size.
    public var observationSize: PlaneSize { imageSize }

    /// The plane.
    public func applied(to plane: [Double]) -> [Double] { plane }

    /// The plane.
    public func transposed(of plane: [Double]) -> [Double] { plane }

    /// The observation, whatever the threshold.
    public func pseudoInverse(_ observation: Tensor, relativeThreshold: Double) throws -> Tensor {
        try requireThreshold(relativeThreshold)
        return try adjoint(observation)
    }

    /// x = (y + τm)/(1 + τ).
    public func tikhonovSolution(observation: Tensor, mean: [Double], weight: Double) throws -> [Double] {
        try eachTikhonovPlane(observation: observation, mean: mean) { observed, mean in
            zip(observed, mean).map { ($0 + weight * $1) / (1 + weight) }
        }
    }
}
