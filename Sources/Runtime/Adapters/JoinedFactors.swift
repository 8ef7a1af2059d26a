import UD2MFormats

/// The low-rank changes of one tensor as a single product: their factors beside each other, scales and weights folded into
/// U and rounded once. The product is that of the sum, exactly.
struct JoinedFactors {
    /// The sum of the ranks.
    let rank: Int
    /// The layers that read the factors.
    let users: [WeightUser]
    /// The factors by the names that the layers give them.
    let tensors: [String: StoredTensor]

    /// Joins the low-rank changes among some; nil when there are none, or no path is possible beside the layer.
    ///
    /// With `isWhole` all factors are stored in whole blocks, not only those that the CPU's kernels read so.
    init?(_ steps: [CombinedChanges.Step], beside site: WeightSites.Site, weight: String, isWhole: Bool) throws {
        let factors = steps.compactMap { step -> Part? in
            guard case .lowRank(let up, let down, let scale) = step.change else { return nil }
            return Part(up: up, down: down, factor: scale * step.weight)
        }
        rank = factors.reduce(0) { $0 + $1.rank }
        guard rank > 0, var path = SidePath(beside: site.operation, weight: weight, rank: rank) else { return nil }
        // Further rows of D and columns of U are zero.
        let stored = isWhole || path.needsWholeBlocks ? SidePath.padded(rank) : rank
        if stored != rank {
            guard let whole = SidePath(beside: site.operation, weight: weight, rank: stored) else { return nil }
            path = whole
        }
        users = [
            WeightUser(operation: path.down, runs: site.runs, strides: site.strides),
            WeightUser(operation: path.up, runs: [stored]),
        ]
        var tensors: [String: StoredTensor] = [:]
        for requirement in users.flatMap(\.operation.weights) {
            switch requirement.name {
            case path.names.down:
                tensors[requirement.name] = StoredTensor(
                    name: TensorName(requirement.name), shape: requirement.shape
                ) { Self.stack(factors, into: $0) }
            case path.names.up:
                tensors[requirement.name] = try StoredTensor(
                    name: TensorName(requirement.name), shape: requirement.shape
                ) { try Self.place(factors, beside: weight, columns: stored, into: $0) }
            // The layer's own bias.
            default: break
            }
        }
        self.tensors = tensors
    }

    /// The factors of one change.
    private struct Part {
        let up: Tensor
        let down: Tensor
        let factor: Double

        var rank: Int { down.shape[0] }
    }

    /// Writes the rows of every D below each other, and zeros after them.
    private static func stack(_ parts: [Part], into target: UnsafeMutableBufferPointer<Float>) {
        target.initialize(repeating: 0)
        var start = 0
        for part in parts {
            _ = UnsafeMutableBufferPointer(rebasing: target[start...]).update(fromContentsOf: part.down.values)
            start += part.down.values.count
        }
    }

    /// Writes the columns of every U beside each other, `columns` a row, and zeros after them.
    private static func place(
        _ parts: [Part], beside weight: String, columns: Int, into target: UnsafeMutableBufferPointer<Float>
    ) throws {
        target.initialize(repeating: 0)
        var first = 0
        var isFinite = true
        for part in parts {
            part.up.values.withUnsafeBufferPointer { values in
                for row in 0..<part.up.shape[0] {
                    for column in 0..<part.rank {
                        let value = Float(Double(values[row * part.rank + column]) * part.factor)
                        target[row * columns + first + column] = value
                        isFinite = isFinite && value.isFinite
                    }
                }
            }
            first += part.rank
        }
        guard isFinite else {
            throw UD2MError(
                .changeNotFinite, "The change times its weight is too large for single precision.",
                at: .init(tensor: weight))
        }
    }
}
