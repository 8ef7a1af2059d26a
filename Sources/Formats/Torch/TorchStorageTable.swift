/// Where a container keeps the bytes of its storages.
protocol TorchStorageProvider {
    /// The storage of this key, or nil when the container has none.
    func storage(key: [UInt8]) throws -> (any TensorStorage)?
}

/// A storage as a persistent id names it.
struct TorchStorageReference {
    /// The storage class.
    let type: PickleGlobal
    /// The class's element type, or nil when it is unknown.
    let elementType: TorchElementType?
    /// Elements, counted in the storage class's type.
    let elementCount: Int
    /// The bytes, or nil when the file has none for it.
    let storage: (any TensorStorage)?
    /// The first element's index in `storage`; above zero for a view of another storage.
    var elementBase = 0
    /// Bytes of `storage` up to this storage's end, counted from the first element; nil when there is no data.
    var byteCount: Int?
}

/// What the persistent ids of a graph stand for: every one parsed and checked, used or not (`formats.md` §5.1).
struct TorchStorageTable {
    private var references: [PickleNodeID: TorchStorageReference] = [:]
    private var tensors: [PickleNodeID: TorchTensorLayout] = [:]
    private var types: Set<PickleNodeID> = []
    /// How many storages of the container the graph names.
    private(set) var foundCount = 0

    /// The storage a persistent-id node stands for.
    subscript(id: PickleNodeID) -> TorchStorageReference? { references[id] }

    /// The tensor a persistent-id node stands for, in the tar container only.
    func tensor(_ id: PickleNodeID) -> TorchTensorLayout? { tensors[id] }

    /// Whether a persistent-id node stands for a class.
    func isType(_ id: PickleNodeID) -> Bool { types.contains(id) }

    /// The table of a pickle without persistent ids.
    init() {}

    /// Parses every persistent id of `graph`.
    /// - Throws: ``UD2MError`` with code `torch-persistent-id`, `torch-storage-missing` or `torch-storage-size`.
    init(
        _ graph: PickleGraph, form: TorchStorageClaim.Form = .archive, provider: some TorchStorageProvider
    ) throws {
        var claims: [[UInt8]: (type: PickleGlobal, count: Int, storage: (any TensorStorage)?)] = [:]
        var parsed: [PickleNodeID: TorchStorageReference] = [:]
        for (node, id, location) in graph.persistentIDs {
            if let known = parsed[id] {
                references[node] = known
                continue
            }
            guard let claim = try TorchStorageClaim(id, in: graph, form: form, at: location) else {
                types.insert(node)
                continue
            }
            let storage: (any TensorStorage)?
            if let known = claims[claim.key] {
                guard (known.type == claim.type && known.count == claim.count) || (known.storage?.byteCount ?? 0) == 0
                else {
                    throw UD2MError(
                        .torchStorageSize, "Storage \(claim.keyText) is claimed with two types or sizes.",
                        at: location)
                }
                storage = known.storage
            } else {
                storage = try provider.storage(key: claim.key)
                claims[claim.key] = (claim.type, claim.count, storage)
                if storage != nil { foundCount += 1 }
            }
            try claim.check(storage, at: location)
            let reference = try claim.reference(to: storage, at: location)
            references[node] = reference
            parsed[id] = reference
        }
    }

    /// Looks every persistent id up in the tensors of a tar container, by its decimal key.
    /// - Throws: ``UD2MError`` with code `torch-persistent-id`.
    init(_ graph: PickleGraph, tensors known: [Int: TorchTensorLayout]) throws {
        for (node, id, location) in graph.persistentIDs {
            if case .tuple(_, let count) = graph[id], count > 0, let first = graph.items(id)?.first,
                case .global = graph[first]
            {
                types.insert(node)
                continue
            }
            let text = graph.textBytes(id).flatMap { $0.count <= 20 ? String(decoding: $0, as: UTF8.self) : nil }
            guard let key = graph.integer(id) ?? text.flatMap({ Int($0) }), let tensor = known[key] else {
                throw UD2MError(
                    .torchPersistentID, "A persistent id names no tensor of the archive.", at: location)
            }
            tensors[node] = tensor
        }
    }
}

extension PickleGraph {
    /// Every persistent id with the node that stands for it and where it is.
    var persistentIDs: [(node: PickleNodeID, id: PickleNodeID, location: UD2MError.Location)] {
        nodes.indices.compactMap { index in
            guard case .persistentID(let id, let offset) = nodes[index] else { return nil }
            return (PickleNodeID(raw: Int32(index)), id, .init(entry: entry, byteOffset: Int(offset)))
        }
    }
}
