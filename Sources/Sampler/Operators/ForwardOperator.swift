import UD2MFormats
import UD2MRuntime

/// A degradation A: what an observation y = A x + σn is taken through (`sampler.md` §8).
///
/// Images are NCHW tensors in [-1, 1]; every image and channel is degraded in the same way. Interfaces are float32,
/// computations are in double precision.
public protocol ForwardOperator: Sendable {
    /// The operator's name in commands and reports, such as `"deblurring"`.
    var name: String { get }

    /// What defines the operator, for reports.
    var parameters: [OperatorParameter] { get }

    /// The size of an image's planes.
    var imageSize: PlaneSize { get }

    /// What the operator and one of its proximal steps take, about.
    var memory: OperatorMemory { get }

    /// Degrades an image, without noise.
    /// - Throws: `UD2MError` with code `operator-shape`, tensor `image`, when the size is not the operator's.
    func apply(_ image: Tensor) throws -> Tensor

    /// Applies Aᵀ, the transpose of the linear map (of its linearisation, for an operator that is not linear).
    /// - Throws: `UD2MError` with code `operator-shape`, tensor `observation`, when the size is not the operator's.
    func adjoint(_ observation: Tensor) throws -> Tensor

    /// A plain estimate of the image, to start a sampler from.
    /// - Throws: `UD2MError` with code `operator-shape`, tensor `observation`, when the size is not the operator's.
    func initialEstimate(_ observation: Tensor) throws -> Tensor

    /// An image that the operator turns into the observation, or nearly so: A†y.
    /// - Parameters:
    ///   - observation: y.
    ///   - relativeThreshold: Directions that A shrinks to less than this share of what it does to the best one are left
    ///     at zero (closed forms) or damped (iterations), so noise grows at most by its inverse. Positive, at most 1.
    /// - Returns: Images of the operator's size.
    /// - Throws: `UD2MError` with code `operator-shape`, tensor `observation`, when the size is not the operator's;
    ///   `operator-parameter` for a threshold out of range.
    func pseudoInverse(_ observation: Tensor, relativeThreshold: Double) throws -> Tensor

    /// The observation as proximal steps should see it; the exact flavour asks once, before its first step.
    /// - Throws: `UD2MError` with code `operator-shape`, tensor `observation` or `image`, when the size is not the operator's.
    func prepared(_ observation: Tensor) throws -> Tensor

    /// The proximal operator of the likelihood of observation and noisy state: the minimiser of `objective`.
    /// - Throws: `UD2MError` with code `operator-shape` when a tensor's shape does not fit.
    func proximalStep(_ objective: ProximalObjective) throws -> Tensor

    /// The step in place of the proximal one in the paper's code, which its checkpoints were trained with
    /// (`sampler.md` §8.1–8.3); the proximal step where the two agree.
    /// - Throws: `UD2MError` with code `operator-shape` when a tensor's shape does not fit.
    func publishedStep(_ objective: ProximalObjective) throws -> Tensor

    /// What the paper's code mixes with the noisy state to start an outer step, its "Aᵀy" (`sampler.md` §7.6).
    /// - Throws: `UD2MError` with code `operator-shape`, tensor `observation`, when the size is not the operator's.
    func publishedStart(_ observation: Tensor) throws -> Tensor
}

extension ForwardOperator {
    /// The observation as it is.
    public func prepared(_ observation: Tensor) throws -> Tensor { observation }

    /// The proximal step.
    public func publishedStep(_ objective: ProximalObjective) throws -> Tensor { try proximalStep(objective) }

    /// Aᵀy.
    public func publishedStart(_ observation: Tensor) throws -> Tensor { try adjoint(observation) }

    /// A†y with a threshold of a tenth: noise grows at most tenfold.
    public func pseudoInverse(_ observation: Tensor) throws -> Tensor {
        try pseudoInverse(observation, relativeThreshold: 0.1)
    }

    /// Throws unless a relative threshold is in (0, 1].
    func requireThreshold(_ threshold: Double) throws {
        guard threshold > 0, threshold <= 1 else {
            throw UD2MError(
                .operatorParameter, "A relative threshold lies above 0 and is at most 1, not \(threshold).")
        }
    }
}

/// The memory that an operator takes for images of any size: tables, and what a proximal step holds at its largest.
public struct OperatorMemory: Sendable, Hashable {
    /// Bytes a pixel, however many planes the images have.
    public let bytesPerPixel: Int
    /// Bytes a value of the images, the planes of all of them.
    public let bytesPerValue: Int

    /// Creates a description.
    public init(bytesPerPixel: Int, bytesPerValue: Int) {
        self.bytesPerPixel = bytesPerPixel
        self.bytesPerValue = bytesPerValue
    }

    /// Bytes for images of so many pixels and planes.
    public func bytes(pixels: Int, planes: Int) -> Int { pixels * (bytesPerPixel + planes * bytesPerValue) }
}

/// One named fact about a forward operator.
public struct OperatorParameter: Sendable, Hashable {
    /// A number or a word.
    public enum Value: Sendable, Hashable {
        case integer(Int)
        case number(Double)
        case text(String)
    }

    /// The name, in kebab case.
    public let name: String
    /// The value.
    public let value: Value

    /// Creates a parameter.
    public init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
    }
}
