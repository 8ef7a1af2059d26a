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

    /// Degrades an image, without noise.
    /// - Throws: `UD2MError` with code `operator-shape`, tensor `image`, when the size is not the operator's.
    func apply(_ image: Tensor) throws -> Tensor

    /// Applies Aᵀ, the transpose of the linear map (of its linearisation, for an operator that is not linear).
    /// - Throws: `UD2MError` with code `operator-shape`, tensor `observation`, when the size is not the operator's.
    func adjoint(_ observation: Tensor) throws -> Tensor

    /// A plain estimate of the image, to start a sampler from.
    /// - Throws: `UD2MError` with code `operator-shape`, tensor `observation`, when the size is not the operator's.
    func initialEstimate(_ observation: Tensor) throws -> Tensor

    /// The proximal operator of the likelihood of observation and noisy state: the minimiser of `objective`.
    /// - Throws: `UD2MError` with code `operator-shape` when a tensor's shape does not fit.
    func proximalStep(_ objective: ProximalObjective) throws -> Tensor
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

/// A linear degradation whose least-squares problem has a closed form.
public protocol LinearForwardOperator: ForwardOperator, LinearMeasurement {
    /// The minimiser of ‖Ax − y‖² + τ‖x − m‖², in double precision.
    ///
    /// - Parameters:
    ///   - observation: y.
    ///   - mean: m, row-major in the order of the images' elements.
    ///   - weight: τ, positive.
    /// - Returns: The images, in the order of `mean`.
    /// - Throws: `UD2MError` with code `operator-shape` when a size does not fit.
    func tikhonovSolution(observation: Tensor, mean: [Double], weight: Double) throws -> [Double]
}

extension LinearForwardOperator {
    /// The minimiser of γ/2·‖Ax − y‖² + ½‖x − z‖², which is the least-squares problem of weight 1/γ.
    public func proximalPoint(observation: Tensor, centre: Tensor, weight: Double) throws -> Tensor? {
        let solution = try tikhonovSolution(
            observation: observation, mean: centre.values.map { Double($0) }, weight: 1 / weight)
        return try Tensor(shape: centre.shape, values: solution.map { Float($0) })
    }

    /// The proximal step as one least-squares problem: the two quadratic terms without A are merged first.
    public func proximalStep(_ objective: ProximalObjective) throws -> Tensor {
        try Tensor(shape: objective.anchor.shape, values: proximalSolution(objective).map { Float($0) })
    }

    /// The proximal step before rounding to float32.
    package func proximalSolution(_ objective: ProximalObjective) throws -> [Double] {
        try tikhonovSolution(
            observation: objective.observation, mean: objective.mergedMean, weight: objective.mergedWeight)
    }
}
