import UD2MFormats

/// An adapter held against a base: which tensor each target changes, and what does not fit.
public struct AdapterBinding: Sendable {
    /// A target and the base's tensor.
    public struct Pair: Sendable {
        /// The tensor of the base.
        public let tensor: TensorSource
        /// What happens to it.
        public let target: AdapterTarget
    }

    /// The adapter.
    public let adapter: Adapter
    /// Targets that fit, in the adapter's order.
    public let pairs: [Pair]
    /// Targets for which the base has no tensor.
    public let unmatched: [AdapterTarget]
    /// Targets whose tensor has another shape, or no floating-point numbers.
    public let mismatches: [TensorMismatch]

    /// Finds the tensor of every target and compares shapes; reads no data.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-name-ambiguous`.
    public init(_ adapter: Adapter, to base: AdapterBase) throws(UD2MError) {
        var pairs: [Pair] = []
        var unmatched: [AdapterTarget] = []
        var mismatches: [TensorMismatch] = []
        for target in adapter.targets {
            guard let tensor = try base.tensor(of: target) else {
                unmatched.append(target)
                continue
            }
            if let mismatch = target.mismatch(with: tensor) {
                mismatches.append(mismatch)
                continue
            }
            pairs.append(Pair(tensor: tensor, target: target))
        }
        self.adapter = adapter
        self.pairs = pairs
        self.unmatched = unmatched
        self.mismatches = mismatches
    }

    private init(_ binding: AdapterBinding, pairs: [Pair]) {
        adapter = binding.adapter
        self.pairs = pairs
        unmatched = binding.unmatched
        mismatches = binding.mismatches
    }

    /// The binding with some of its pairs only, and the pairs that it then lacks.
    public func split(where isWanted: (AdapterTarget) -> Bool) -> (kept: AdapterBinding, rest: [Pair]) {
        (AdapterBinding(self, pairs: pairs.filter { isWanted($0.target) }), pairs.filter { !isWanted($0.target) })
    }

    /// Whether every target fits.
    public var isComplete: Bool { unmatched.isEmpty && mismatches.isEmpty }

    /// Throws unless every target fits.
    /// - Parameters:
    ///   - base: The base's path, for the error.
    ///   - allowUnmatched: Whether targets without a tensor are left out; some target must fit all the same.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-base-mismatch` and the first ten tensors.
    public func requireComplete(base: String, allowUnmatched: Bool) throws(UD2MError) {
        var disagreements = mismatches
        if !allowUnmatched || pairs.isEmpty {
            disagreements += unmatched.map { target in
                let shape = target.change.matrixShape
                return TensorMismatch(
                    name: target.tensorName.text, expected: [shape.rows, shape.columns], found: nil)
            }
        }
        guard let first = disagreements.first else { return }
        var error = UD2MError(
            .adapterBaseMismatch,
            "The adapter \(adapter.path) was made for another base: \(disagreements.count) of its \(adapter.targets.count) "
                + "targets do not fit; \(first).",
            at: .init(file: base, tensor: first.name),
            remedy: pairs.isEmpty || !mismatches.isEmpty
                ? "Name the base that it was trained on; ud2m-lora info says which models it fits."
                : "Name the base that it was trained on, or pass --allow-unmatched to leave out what the base lacks.")
        error.mismatches = Array(disagreements.prefix(10))
        throw error
    }

    /// Compares the base's own values, where the adapter's file holds them, with those of the base.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `adapter-base-mismatch` at the first tensor that differs.
    public func requireSameOriginals(base: String) throws {
        for pair in pairs {
            guard let original = pair.target.original else { continue }
            guard original.elementCount == pair.tensor.elementCount,
                try original.values() as [Float] == pair.tensor.values()
            else {
                throw UD2MError(
                    .adapterBaseMismatch,
                    "The adapter \(adapter.path) holds the weights it was trained on, and the base's differ.",
                    at: .init(file: base, tensor: pair.tensor.name.text),
                    remedy: "Name the base that it was trained on.")
            }
        }
    }
}

extension AdapterTarget {
    /// Whether the change has the sizes of a tensor.
    func fits(_ tensor: TensorSource) -> Bool { mismatch(with: tensor) == nil }

    /// Why the change is of another tensor; nil when it fits.
    func mismatch(with tensor: TensorSource) -> TensorMismatch? {
        let matrix = [change.matrixShape.rows, change.matrixShape.columns]
        func other(_ expected: [Int], _ reason: String? = nil) -> TensorMismatch {
            TensorMismatch(name: tensor.name.text, expected: expected, found: tensor.shape, reason: reason)
        }
        guard tensor.elementType.isFloatingPoint, tensor.torchType == nil else {
            return other(
                matrix,
                "is of type \(tensor.elementTypeName): only floating-point numbers can be changed, convert the network first"
            )
        }
        guard tensor.elementCount > 0 else { return other(matrix) }
        let (rows, columns) = (tensor.shape.first ?? 1, tensor.shape.dropFirst().productOrMaximum)
        if let magnitude = change.magnitude {
            let expected = magnitude.isOfInputs ? (tensor.shape.count > 1 ? tensor.shape[1] : 1) : rows
            guard magnitude.tensor.elementCount == expected else {
                let side = magnitude.isOfInputs ? "inputs" : "outputs"
                return other(
                    matrix, "has \(expected) \(side), and DoRA's lengths are \(magnitude.tensor.elementCount)")
            }
        }
        switch change {
        case .replacement(let source): return source.shape == tensor.shape ? nil : other(source.shape)
        case .difference(let source, _):
            return source.shape.filter { $0 != 1 } == tensor.shape.filter { $0 != 1 } ? nil : other(source.shape)
        case .lowRank, .hadamard, .kronecker: return matrix == [rows, columns] ? nil : other(matrix)
        }
    }
}
