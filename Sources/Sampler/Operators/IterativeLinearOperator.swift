import UD2MFormats
import UD2MRuntime

/// When conjugate gradients stop.
public struct IterationLimits: Sendable, Hashable {
    /// The residual's share of the right side that is small enough.
    public let tolerance: Double
    /// Steps after which a system counts as unsolvable.
    public let maximumIterations: Int

    /// Creates limits.
    /// - Throws: `UD2MError` with code `operator-parameter` unless the tolerance is in (0, 1) and there are iterations.
    public init(tolerance: Double = 1e-10, maximumIterations: Int = 1000) throws {
        guard tolerance > 0, tolerance < 1, maximumIterations > 0 else {
            throw UD2MError(
                .operatorParameter,
                "Iterations need a tolerance between 0 and 1 and a positive number, not \(tolerance) "
                    + "and \(maximumIterations).")
        }
        self.tolerance = tolerance
        self.maximumIterations = maximumIterations
    }
}

/// A linear operator without a closed form: its least-squares problems are solved by conjugate gradients in double
/// precision, every plane by itself, so that a result does not depend on the batch.
public protocol IterativeLinearOperator: LinearForwardOperator {
    /// When the iterations stop.
    var limits: IterationLimits { get }
}

extension IterativeLinearOperator {
    /// (AᵀA + τI)x = Aᵀy + τm, from m.
    /// - Throws: `UD2MError` with code `operator-shape` when a size does not fit, `not-converged` when the iterations end
    ///   before the residual is small.
    public func tikhonovSolution(observation: Tensor, mean: [Double], weight: Double) throws -> [Double] {
        try eachTikhonovPlane(observation: observation, mean: mean) { observed, mean in
            let rightSide = zip(try transposed(of: observed), mean).map { $0 + weight * $1 }
            return try PlaneConjugateGradients.solve(rightSide, from: mean, limits: limits) { plane in
                zip(try transposed(of: applied(to: plane)), plane).map { $0 + weight * $1 }
            }
        }
    }

    /// (AᵀA + (t‖A‖)²I)⁻¹Aᵀy with t the threshold: damped where the closed forms of other operators cut off.
    /// - Throws: As ``ForwardOperator/pseudoInverse(_:relativeThreshold:)``, and `not-converged`.
    public func pseudoInverse(_ observation: Tensor, relativeThreshold: Double) throws -> Tensor {
        try requireThreshold(relativeThreshold)
        let shape = try ImageShape(observation, name: "observation")
        let norm = try largestSingularValue()
        guard norm > 0 else {
            return try Tensor(
                shape: [shape.images, shape.channels, imageSize.height, imageSize.width], repeating: 0)
        }
        let damping = relativeThreshold * relativeThreshold * norm * norm
        let solution = try tikhonovSolution(
            observation: observation, mean: [Double](repeating: 0, count: shape.planes * imageSize.count),
            weight: damping)
        return try shape.tensor(height: imageSize.height, width: imageSize.width, solution)
    }

    /// ‖A‖ by power iteration, a little too small at most.
    private func largestSingularValue() throws -> Double {
        let start = try PhiloxNoise(seed: 0).normals(.observation, sample: 0, shape: [imageSize.count])
        var vector = start.values.map { Double($0) }
        var value = 0.0
        for _ in 0..<30 {
            let length = PlaneConjugateGradients.inner(vector, vector).squareRoot()
            guard length > 0 else { return 0 }
            let unit = vector.map { $0 / length }
            vector = try transposed(of: applied(to: unit))
            value = PlaneConjugateGradients.inner(vector, vector).squareRoot()
        }
        return value.squareRoot()
    }
}

/// Conjugate gradients in double precision.
enum PlaneConjugateGradients {
    /// Solves M x = b for a symmetric positive definite M.
    /// - Throws: `UD2MError` with code `not-converged` when the limits end the iterations, and what `matrix` throws.
    static func solve(
        _ rightSide: [Double], from start: [Double], limits: IterationLimits, _ matrix: ([Double]) throws -> [Double]
    ) throws -> [Double] {
        var solution = start
        var residual = zip(rightSide, try matrix(start)).map { $0 - $1 }
        var direction = residual
        var square = inner(residual, residual)
        let target = limits.tolerance * limits.tolerance * inner(rightSide, rightSide)
        for _ in 0..<limits.maximumIterations {
            if square <= target { return solution }
            let image = try matrix(direction)
            let step = square / inner(direction, image)
            for index in solution.indices {
                solution[index] += step * direction[index]
                residual[index] -= step * image[index]
            }
            let next = inner(residual, residual)
            let turn = next / square
            for index in direction.indices { direction[index] = residual[index] + turn * direction[index] }
            square = next
        }
        guard square <= target else {
            throw UD2MError(
                .notConverged,
                "Conjugate gradients left \((square / inner(rightSide, rightSide)).squareRoot()) of the right side "
                    + "after \(limits.maximumIterations) iterations.",
                remedy: "State more noise, and check that the adjoint is the transpose.")
        }
        return solution
    }

    static func inner(_ first: [Double], _ second: [Double]) -> Double {
        zip(first, second).reduce(0) { $0 + $1.0 * $1.1 }
    }
}
