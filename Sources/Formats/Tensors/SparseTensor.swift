/// A sparse tensor of a state dict, whose parts are tensors of their own (`formats.md` §5.6).
public struct SparseTensor: Sendable, Hashable {
    /// The name of the whole.
    public let name: TensorName
    /// PyTorch's name of the layout, such as `"torch.sparse_coo"`.
    public let layout: String
    /// The sizes of the whole, outermost first.
    public let shape: [Int]
    /// The names of the parts that are there, in the order PyTorch wants them.
    public let parts: [TensorName]
    /// Whether all parts are there, once each, and agree on what they are parts of.
    public let isComplete: Bool

    /// The sparse tensors that parts stand for, in the order of their first parts.
    /// - Parameter rows: Names, each with what it is a part of, or nil.
    /// - Returns: The sparse tensors, complete or not.
    static func among(_ rows: [(name: TensorName, sparsity: TensorSparsity?)]) -> [SparseTensor] {
        var order: [TensorName] = []
        var groups: [TensorName: [(name: TensorName, sparsity: TensorSparsity)]] = [:]
        for row in rows {
            guard let sparsity = row.sparsity else { continue }
            let whole = sparsity.nameOfWhole(of: row.name)
            if groups[whole] == nil { order.append(whole) }
            groups[whole, default: []].append((row.name, sparsity))
        }
        return order.compactMap { whole in
            guard let rows = groups[whole], let first = rows.first?.sparsity else { return nil }
            let wanted = SparseTensorCheck.partNames[first.layout] ?? []
            let ordered = wanted.compactMap { part in rows.first { $0.sparsity.part == part } }
            let agree = rows.allSatisfy { $0.sparsity.layout == first.layout && $0.sparsity.shape == first.shape }
            return SparseTensor(
                name: whole, layout: first.layout, shape: first.shape, parts: (agree ? ordered : rows).map(\.name),
                isComplete: agree && ordered.count == wanted.count && rows.count == wanted.count)
        }
    }

    /// Those that a `.pt` file can hold as PyTorch does: all parts are there, and no other tensor has the whole's name.
    static func restorable(_ rows: [(name: TensorName, sparsity: TensorSparsity?)]) -> [SparseTensor] {
        let wholes = among(rows)
        guard !wholes.isEmpty else { return [] }
        let names = Set(rows.map(\.name))
        return wholes.filter { $0.isComplete && !names.contains($0.name) }
    }
}

extension [TensorSource] {
    /// The sparse tensors among these, in the order of their first parts.
    public var sparseTensors: [SparseTensor] { SparseTensor.among(map { ($0.name, $0.sparsity) }) }

    /// Those of them that a `.pt` file holds as PyTorch does; of the others it holds the parts.
    public var restorableSparseTensors: [SparseTensor] { SparseTensor.restorable(map { ($0.name, $0.sparsity) }) }
}

extension TensorSparsity {
    /// The name given to a sparse tensor that has none of its own: one that is the whole file.
    private static let namelessWhole: TensorName = "tensor"

    /// The name of the sparse tensor that a tensor of this name is a part of.
    ///
    /// A part is called as the whole, a dot and what it is; underscores follow where another tensor has that name.
    func nameOfWhole(of name: TensorName) -> TensorName {
        let bytes = name.bytes[..<((name.bytes.lastIndex { $0 != UInt8(ascii: "_") } ?? -1) + 1)]
        if bytes.elementsEqual(part.utf8) { return Self.namelessWhole }
        let ending = Array(".\(part)".utf8)
        guard bytes.suffix(ending.count).elementsEqual(ending) else { return name }
        return TensorName(bytes: bytes.dropLast(ending.count))
    }
}
