import UD2MFormats
import UD2MLinearAlgebra

/// How the ranks of an adapter's layers are chosen.
public enum RankPolicy: Sendable, Hashable {
    /// Each layer by itself.
    case each(RankChoice)
    /// All together: as many numbers in factors as these, where they lower the total error most.
    case parameters(Int)

    /// Refuses numbers that choose nothing.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `rank-choice`.
    public func validate() throws(UD2MError) {
        switch self {
        case .each(let choice): try choice.validate()
        case .parameters(let budget):
            guard budget > 0 else { throw UD2MError(.rankChoice, "A size of \(budget) numbers holds no factors.") }
        }
    }
}

/// What an approximation of one tensor's change costs.
public struct LayerError: Sendable, Hashable {
    /// The tensor.
    public let tensor: TensorName
    /// `lora` where it became factors; `replacement` or `difference` where it is kept whole.
    public let kind: String
    /// The rank it got, 0 where nothing is left of it; nil for whole tensors.
    public let rank: Int?
    /// The Frobenius norm of the change.
    public let norm: Double
    /// The Frobenius norm of what the factors miss of it; 0 for whole tensors.
    public let error: Double

    /// The error divided by the norm; 0 for no change.
    public var relativeError: Double { norm > 0 ? error / norm : 0 }
}

extension [LayerError] {
    /// The relative error of all changes together.
    public var totalRelativeError: Double {
        let (norm, error) = reduce((0.0, 0.0)) { ($0.0 + $1.norm * $1.norm, $0.1 + $1.error * $1.error) }
        return norm > 0 ? (error / norm).squareRoot() : 0
    }
}

/// An adapter that was computed, and what its factors miss.
public struct ComputedAdapter: Sendable {
    /// The adapter.
    public let adapter: Adapter
    /// What each tensor's change costs, in the adapter's order; those of rank 0 are in no adapter.
    public let layers: [LayerError]
}

extension AdapterConvention {
    /// Factors of a change as this convention holds them: alpha is the rank, so that nothing multiplies them, but for
    /// UD2M's, whose constant scale is taken out of both sides alike.
    func factors(
        _ product: FactoredMatrix, named name: String, kernel: [Int], layer: LowRankFactors.Layer = .plain
    ) throws(UD2MError) -> LowRankFactors {
        let rank = product.rank
        var (left, right) = (product.left, product.right)
        var alpha = Double(rank)
        if self == .ud2m {
            alpha = AdapterReader.ud2mAlpha
            let share = Float((Double(rank) / alpha).squareRoot())
            for index in left.indices { left[index] *= share }
            for index in right.indices { right[index] *= share }
        }
        guard layer == .plain else {
            let up = TensorSource(
                computed: "\(name).up", left.transposed(columns: rank), shape: [rank, product.rows])
            let down = TensorSource(
                computed: "\(name).down", right.transposed(columns: product.columns), shape: [product.columns, rank])
            return LowRankFactors(
                up: try Factor(up, transposed: true), down: try Factor(down, transposed: true),
                scale: AdapterScale(alpha: alpha, rank: rank), layer: layer)
        }
        let inputs = product.columns / Swift.max(kernel.reduce(1, *), 1)
        let up = TensorSource(computed: "\(name).up", left, shape: [product.rows, rank] + kernel.map { _ in 1 })
        let down = TensorSource(computed: "\(name).down", right, shape: [rank, inputs] + kernel)
        return LowRankFactors(
            up: try Factor(up), down: try Factor(down), scale: AdapterScale(alpha: alpha, rank: rank))
    }
}

extension AdapterChange {
    /// The kind of layer that the factors say; plain for all other changes.
    var layer: LowRankFactors.Layer { lowRank?.layer ?? .plain }

    /// The change as a product with its scale in the left factor; nil for kinds that are no product of two factors.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-kind` for DoRA, which needs the base, `adapter-not-finite`.
    func product() throws -> FactoredMatrix? {
        if let magnitude {
            throw UD2MError(
                .adapterKind, "DoRA's change depends on the base, so that it has no factors of its own.",
                at: .init(tensor: magnitude.tensor.name.text),
                remedy: "Merge it into its base, and extract the difference.")
        }
        guard case .lowRank(let factors) = self else { return nil }
        let scale = factors.scale.value
        let up = try factors.up.values(Double.self).map { Float($0 * scale) }
        return try FactoredMatrix(
            rows: factors.up.rows, columns: factors.down.columns, rank: factors.rank, left: up,
            right: factors.down.values())
    }

    /// The change as a whole matrix, its scale included.
    /// - Throws: as ``product()``; a replacement has none without a base.
    func dense() throws -> FloatMatrix {
        let shape = matrixShape
        var values: [Double]
        if let product = try product() { return try product.dense() }
        switch self {
        case .lowRank: break
        case .hadamard(let first, let second):
            values = try LowRankRows<Double>(first).product
            let other = try LowRankRows<Double>(second).product
            for index in values.indices { values[index] *= other[index] * scale }
            return try FloatMatrix(rows: shape.rows, columns: shape.columns, values: values.map(Float.init))
        case .kronecker(let factors):
            let rows = try KroneckerRows<Double>(factors)
            values = [Double](repeating: 0, count: shape.rows * shape.columns)
            values.withUnsafeMutableBufferPointer { values in
                for row in 0..<shape.rows {
                    let start = row * shape.columns
                    rows.fill(
                        UnsafeMutableBufferPointer(rebasing: values[start..<start + shape.columns]), row: row, from: 0)
                }
            }
            return try FloatMatrix(rows: shape.rows, columns: shape.columns, values: values.map { Float($0 * scale) })
        case .difference(let tensor, let scale):
            let differences: [Double] = try tensor.finiteValues()
            return try FloatMatrix(
                rows: shape.rows, columns: shape.columns, values: differences.map { Float($0 * scale) })
        case .replacement: break
        }
        throw UD2MError(.adapterKind, "The change of a replaced tensor is known only beside its base.")
    }

    /// The sizes of the convolution's kernel, as far as the factors show them.
    var kernel: [Int] {
        guard case .lowRank(let factors) = self else { return [] }
        return Array((factors.down.core ?? factors.down.tensor).shape.dropFirst(2))
    }
}
