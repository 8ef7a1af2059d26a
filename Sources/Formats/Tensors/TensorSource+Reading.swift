extension UD2MError.Code {
    /// A tensor with repeated elements would take far more memory than its storage.
    public static let tensorExpansion = Self("tensor-expansion", .badData)
}

extension TensorSource {
    /// Gives the tensor's elements as dense row-major little-endian bytes.
    ///
    /// A dense little-endian tensor is given out of its storage without a copy; anything else is gathered into memory.
    /// - Throws: ``UD2MError`` with code `tensor-expansion` when repeated elements (stride 0, overlapping windows) take
    ///   more than the limits allow, or what the storage throws.
    public func withContiguousBytes<Result>(
        limits: Limits = .standard, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let location = UD2MError.Location(tensor: name.text)
        guard let byteCount = elementType.byteCount(shape: shape) else {
            throw UD2MError(.tensorExpansion, "The tensor's size overflows.", at: location)
        }
        if isContiguous, !isConjugated, !isNegated, !storage.isBigEndian || elementType.bitWidth <= 8 {
            let (bits, overflow) = elementOffset.multipliedReportingOverflow(by: elementType.bitWidth)
            let start = byteCount == 0 ? 0 : bits / 8
            guard !overflow, start <= storage.byteCount, byteCount <= storage.byteCount - start else {
                throw Self.outsideStorage.located(in: location)
            }
            return try storage.withBytes(in: start..<(start + byteCount), body)
        }
        try checkExpansion(byteCount: byteCount, limits: limits)
        let dense = UnsafeMutableRawBufferPointer.allocate(byteCount: max(byteCount, 1), alignment: 64)
        defer { dense.deallocate() }
        var filled = 0
        try stream(as: elementType, limits: limits) { piece in
            UnsafeMutableRawBufferPointer(rebasing: dense[filled...]).copyMemory(from: piece)
            filled += piece.count
        }
        return try body(UnsafeRawBufferPointer(rebasing: dense[..<byteCount]))
    }

    /// Refuses tensors that repeat their elements beyond measure (`formats.md` §10.1).
    public func checkExpansion(limits: Limits = .standard) throws {
        try checkExpansion(byteCount: byteCount, limits: limits)
    }

    private func checkExpansion(byteCount: Int, limits: Limits) throws {
        let allowed = expandedBytesAllowed ?? limits.expandedBytes(of: storage.byteCount)
        guard byteCount <= allowed else {
            throw UD2MError(
                .tensorExpansion,
                "The tensor repeats \(storage.byteCount) stored bytes into \(byteCount); at most \(allowed) are allowed.",
                at: .init(tensor: name.text), remedy: "Pass --allow-expand if so much is wanted.")
        }
    }
}

extension [TensorSource] {
    /// Refuses tensors of a file that repeat their elements beyond measure, each or all together, before room is made for
    /// them.
    /// - Throws: ``UD2MError`` with code `tensor-expansion` at the first such tensor.
    package func checkExpansion(file: String) throws {
        var budget = ExpansionBudget(of: self)
        do {
            for tensor in self { try budget.charge(tensor) }
        } catch let error as UD2MError {
            throw error.located(in: .init(file: file))
        }
    }
}

/// How much the tensors of a file may repeat their elements all together: many tensors over one small storage are as large
/// as one that repeats it often (`formats.md` §10.1).
package struct ExpansionBudget {
    private let stored: Int
    private let allowed: Int
    private var total = 0

    /// The budget of the storages of some tensors.
    package init(of tensors: [TensorSource], limits: Limits = .standard) {
        var storages = Set<ObjectIdentifier>()
        var stored = 0
        for tensor in tensors where storages.insert(ObjectIdentifier(tensor.storage)).inserted {
            stored = stored.addedOrMaximum(tensor.storage.byteCount)
        }
        self.stored = stored
        allowed = tensors.reduce(limits.expandedBytes(of: stored)) { max($0, $1.expandedBytesAllowed ?? 0) }
    }

    /// Takes a tensor's bytes.
    /// - Throws: ``UD2MError`` with code `tensor-expansion` when it repeats its elements too often, or more than is left.
    package mutating func charge(_ tensor: TensorSource) throws {
        try tensor.checkExpansion()
        total = total.addedOrMaximum(tensor.byteCount)
        guard total <= allowed else {
            throw UD2MError(
                .tensorExpansion,
                "With this tensor, \(stored) stored bytes are repeated into \(total); at most \(allowed) are allowed.",
                at: .init(tensor: tensor.name.text), remedy: "Pass --allow-expand if so much is wanted.")
        }
    }
}
