import UD2MFormats
import UD2MRuntime

/// A linear degradation, which maps every plane (one channel of one image) in the same way.
public protocol LinearForwardOperator: ForwardOperator, LinearMeasurement {
    /// The size of an observation's planes.
    var observationSize: PlaneSize { get }

    /// A of one plane, row-major, in double precision: what iterations and stacks are built from.
    ///
    /// Callers make sure that there are as many values as ``imageSize`` has.
    func applied(to plane: [Double]) throws -> [Double]

    /// Aᵀ of one plane, row-major, in double precision.
    ///
    /// Callers make sure that there are as many values as ``observationSize`` has.
    func transposed(of plane: [Double]) throws -> [Double]

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
    /// Of an operator without tables: centre and solution in double precision, and the result.
    public var memory: OperatorMemory { OperatorMemory(bytesPerPixel: 0, bytesPerValue: 24) }

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
