import UD2MFormats

/// What an adapter does to one tensor W of a network.
public enum WeightChange: Sendable, Hashable {
    /// W + scale·(up·down), where W is taken as a matrix of its outermost dimension by all others: `up` is
    /// [outermost, rank], `down` [rank, others].
    case lowRank(up: Tensor, down: Tensor, scale: Double)
    /// The tensor that takes the place of W, of its shape.
    case replacement(Tensor)
    /// W + scale·difference, of W's shape.
    case difference(Tensor, scale: Double)

    /// Checks what can be checked without a network.
    /// - Throws: `change-rank`, `change-shape` or `change-not-finite` with the tensor's name.
    func validate(_ name: String) throws {
        func error(_ code: UD2MError.Code, _ message: String) -> UD2MError {
            UD2MError(code, message, at: .init(tensor: name))
        }
        if case .lowRank(let up, let down, _) = self {
            guard up.shape.count == 2, down.shape.count == 2, up.shape[1] == down.shape[0] else {
                throw error(.changeShape, "The factors \(up.shape) and \(down.shape) cannot be multiplied.")
            }
            guard down.shape[0] > 0 else { throw error(.changeRank, "The factors have rank 0.") }
        }
        guard scale.isFinite, tensors.allSatisfy({ $0.values.allSatisfy(\.isFinite) }) else {
            throw UD2MError(
                .changeNotFinite, "The change has numbers that are not finite.", at: .init(tensor: name),
                remedy: "The adapter's training diverged, or its file is damaged.")
        }
    }

    /// Checks the change against the shape of the tensor it is for.
    /// - Throws: `change-shape` with the tensor's name.
    func validate(_ name: String, shape: [Int]) throws {
        let fits =
            switch self {
            case .lowRank(let up, let down, _):
                (up.shape[0], down.shape[1]) == (shape.first ?? 1, shape.dropFirst().reduce(1, *))
            case .replacement(let tensor), .difference(let tensor, _): tensor.shape == shape
            }
        guard fits else {
            let found = tensors.map { "\($0.shape)" }.joined(separator: " and ")
            throw UD2MError(
                .changeShape, "The change is made of \(found), and the network's tensor has the shape \(shape).",
                at: .init(tensor: name), remedy: "Use the adapter with the network that it was trained on.")
        }
    }

    /// Whether the change is a product of two factors.
    var isLowRank: Bool { if case .lowRank = self { true } else { false } }

    private var tensors: [Tensor] {
        switch self {
        case .lowRank(let up, let down, _): [up, down]
        case .replacement(let tensor), .difference(let tensor, _): [tensor]
        }
    }

    private var scale: Double {
        switch self {
        case .lowRank(_, _, let scale), .difference(_, let scale): scale
        case .replacement: 1
        }
    }
}
