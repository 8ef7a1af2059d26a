/// The singular values of a matrix, or the largest of them, and what they leave out.
public struct Spectrum: Sendable, Hashable {
    /// Singular values in descending order; the leading ones only when ``isComplete`` is false.
    public let values: [Double]
    /// The sum of the squares of all singular values: the square of the matrix's Frobenius norm.
    public let energy: Double
    /// The number of singular values the matrix has: its smaller side.
    public let fullRank: Int

    /// Whether every singular value that may be other than zero is listed.
    public let isComplete: Bool

    /// Creates a spectrum; `values` descend, and their squares add up to `energy` when they are all there are.
    package init(values: [Double], energy: Double, fullRank: Int, isComplete: Bool) {
        self.values = values
        self.energy = energy
        self.fullRank = fullRank
        self.isComplete = isComplete
    }

    /// The matrix's Frobenius norm.
    public var norm: Double { energy.squareRoot() }

    /// The energy that an approximation of a rank leaves out: the sum of the squares of the later singular values.
    ///
    /// Of an incomplete spectrum this is a difference of large numbers, good to about 10⁻¹⁵ of ``energy``.
    public func energy(beyond rank: Int) -> Double {
        if isComplete { return values.dropFirst(max(rank, 0)).reversed().reduce(0) { $0 + $1 * $1 } }
        return max(0, energy - values.prefix(max(rank, 0)).reduce(0) { $0 + $1 * $1 })
    }

    /// The Frobenius norm of the difference between the matrix and its best approximation of a rank.
    public func error(rank: Int) -> Double { energy(beyond: rank).squareRoot() }

    /// ``error(rank:)`` divided by the matrix's norm; 0 for the zero matrix.
    public func relativeError(rank: Int) -> Double { energy > 0 ? (energy(beyond: rank) / energy).squareRoot() : 0 }

    /// The fractions of the energy that ranks 0, 1, 2… hold, one more than there are ``values``; all 1 for the zero
    /// matrix.
    public var energyCurve: [Double] {
        guard energy > 0 else { return [Double](repeating: 1, count: values.count + 1) }
        var held = 0.0
        var curve = [0.0]
        for value in values {
            held += value * value
            curve.append(min(held / energy, 1))
        }
        return curve
    }
}
