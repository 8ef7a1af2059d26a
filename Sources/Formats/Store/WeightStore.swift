/// An open weight store: a `.ud2w`, or any safetensors file without the guarantees (`formats.md` §12).
///
/// Opening checks the header and everything that follows from it, and reads no tensor data.
public final class WeightStore: Sendable {
    /// The file underneath.
    public let safetensors: SafetensorsFile
    /// What the file says about itself.
    public let information: StoreMetadata
    /// All names, sorted by bytes, aliases included.
    public let names: [TensorName]
    private let guarantees: StoreGuarantees?
    private let entryIndex: [TensorName: Int]

    /// Opens and validates a store; `access` says how ``verify(deep:progress:)`` reads it.
    /// - Throws: ``UD2MError`` with a `file-…`, `json-…`, `safetensors-…`, `store-…` or `architecture-…` code.
    public convenience init(path: String, limits: Limits = .standard, access: FileAccess = .automatic) throws {
        try self.init(SafetensorsFile(path: path, limits: limits, access: access))
    }

    /// Opens a store over a safetensors file that is already validated.
    /// - Throws: ``UD2MError`` with a `store-…` or `architecture-…` code.
    public init(_ safetensors: SafetensorsFile) throws {
        self.safetensors = safetensors
        information = try StoreMetadata(pairs: safetensors.metadata, at: .init(file: safetensors.file.path))
        guarantees = safetensors.isWeightStore ? try StoreGuarantees(safetensors) : nil
        var index: [TensorName: Int] = [:]
        index.reserveCapacity(safetensors.entries.count)
        for (position, entry) in safetensors.entries.enumerated() { index[entry.name] = position }
        for (alias, target) in guarantees?.aliases ?? [:] { index[alias] = index[target] }
        entryIndex = index
        names = index.keys.sorted()
    }

    /// The path as the caller gave it.
    public var path: String { safetensors.file.path }

    /// The network the weights belong to, when the file says.
    public var architecture: ArchitectureConfiguration? { information.architecture }

    /// All text pairs of the file.
    public var metadata: [String: String] { safetensors.metadata }

    /// The identity of the weights, when the file has one; it has been checked against the digests, not the data.
    public var contentID: String? { guarantees?.contentID }

    /// The alignment of the data's start in bytes, or nil for a plain safetensors file.
    public var alignment: Int? { guarantees?.alignment }

    /// Names that stand for another tensor, and which.
    public var aliases: [TensorName: TensorName] { guarantees?.aliases ?? [:] }

    /// A tensor by name or alias, or nil when there is none.
    public func tensor(_ name: TensorName) -> StoredTensor? {
        guard let index = entryIndex[name] else { return nil }
        return StoredTensor(name: name, entry: safetensors.entries[index], file: safetensors.file)
    }

    /// A tensor by name or alias, or nil when there is none.
    public subscript(_ name: TensorName) -> StoredTensor? { tensor(name) }

    /// The recorded digests of a tensor, or nil when the file has none.
    public func digests(of name: TensorName) -> TensorDigests? {
        guarantees?.digests[aliases[name] ?? name]
    }
}
