/// Conjugate gradients as the RAM references stop them (`networks.md` §3.4).
package enum ConjugateGradients {
    /// Solves H x = b for a symmetric positive H.
    ///
    /// Stops after ``maximumIterations``, or when ‖r‖² < ``tolerance``²·‖b‖²: the result is not exact, and a network
    /// trained on such results expects them.
    /// - Parameters:
    ///   - rightSide: b.
    ///   - start: where the iteration begins.
    ///   - apply: x ↦ H x.
    /// - Returns: x.
    /// - Throws: what `apply` throws, and `tensor-shape` when its result has another shape.
    package static func solve(
        _ rightSide: Tensor, from start: Tensor, applying apply: (Tensor) throws -> Tensor
    ) throws -> Tensor {
        var x = start
        var residual = try rightSide.combined(1, apply(x), -1)
        var direction = residual
        var square = residual.inner(residual)
        let scale = rightSide.inner(rightSide)
        let limit = (scale > 0 ? scale : 1) * tolerance * tolerance
        for _ in 0..<maximumIterations {
            let image = try apply(direction)
            let step = square / (direction.inner(image) + guardTerm)
            x = try x.combined(1, direction, step)
            residual = try residual.combined(1, image, -step)
            let next = residual.inner(residual)
            if next < limit { break }
            direction = try residual.combined(1, direction, next / (square + guardTerm))
            square = next
        }
        return x
    }

    /// The largest number of iterations.
    static let maximumIterations = 50
    /// The relative residual that is small enough.
    static let tolerance = 1e-4
    /// Keeps the quotients finite.
    private static let guardTerm = 1e-8
}
