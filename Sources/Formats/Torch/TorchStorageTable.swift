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
}

/// The storages of a graph: every persistent id parsed and checked, used or not (`formats.md` §5.1).
struct TorchStorageTable {
    private var references: [PickleNodeID: TorchStorageReference] = [:]
    /// How many storages of the container the graph names.
    private(set) var foundCount = 0

    /// The storage a persistent-id node stands for.
    subscript(id: PickleNodeID) -> TorchStorageReference? { references[id] }

    /// Parses every persistent id of `graph`.
    /// - Throws: ``UD2MError`` with code `torch-persistent-id`, `torch-storage-missing` or `torch-storage-size`.
    init(_ graph: PickleGraph, provider: some TorchStorageProvider) throws {
        var claims: [[UInt8]: (type: PickleGlobal, count: Int, storage: (any TensorStorage)?)] = [:]
        var parsed: [PickleNodeID: TorchStorageReference] = [:]
        for index in graph.nodes.indices {
            guard case .persistentID(let id, let offset) = graph.nodes[index] else { continue }
            let node = PickleNodeID(raw: Int32(index))
            if let known = parsed[id] {
                references[node] = known
                continue
            }
            let location = UD2MError.Location(entry: graph.entry, byteOffset: Int(offset))
            let claim = try Self.parse(id, in: graph, at: location)
            let storage: (any TensorStorage)?
            if let known = claims[claim.key] {
                guard (known.type == claim.type && known.count == claim.count) || (known.storage?.byteCount ?? 0) == 0
                else {
                    throw UD2MError(
                        .torchStorageSize, "Storage \(Self.text(claim.key)) is claimed with two types or sizes.",
                        at: location)
                }
                storage = known.storage
            } else {
                storage = try provider.storage(key: claim.key)
                claims[claim.key] = (claim.type, claim.count, storage)
                if storage != nil { foundCount += 1 }
            }
            let elementType = TorchElementType.ofStorage(claim.type)
            try Self.checkSize(claim, elementType: elementType, storage: storage, at: location)
            let reference = TorchStorageReference(
                type: claim.type, elementType: elementType, elementCount: claim.count, storage: storage)
            references[node] = reference
            parsed[id] = reference
        }
    }

    /// Bytes of a storage's key; real keys are decimal numbers.
    private static let maximumKeyBytes = 256

    private struct Claim {
        let type: PickleGlobal
        let key: [UInt8]
        let isMeta: Bool
        let count: Int
    }

    private static func parse(
        _ id: PickleNodeID, in graph: PickleGraph, at location: UD2MError.Location
    ) throws -> Claim {
        // Sizes come first: many ids may share one huge tuple or text, and each may cost only a constant.
        guard case .tuple(_, count: 5) = graph[id], let items = graph.items(id).map(Array.init),
            let tag = graph.textBytes(items[0]), tag.elementsEqual("storage".utf8), let type = graph.global(items[1]),
            let key = graph.textBytes(items[2]), key.count <= maximumKeyBytes,
            let device = graph.textBytes(items[3]),
            let count = graph.integer(items[4]), count >= 0
        else {
            throw UD2MError(
                .torchPersistentID,
                "A persistent id is not ('storage', type, key, location, count).", at: location)
        }
        guard TorchElementType.isStorageClass(type) else {
            throw UD2MError(
                .torchPersistentID, "\(type.qualifiedName) is no storage class.", at: location)
        }
        return Claim(type: type, key: Array(key), isMeta: device.elementsEqual("meta".utf8), count: count)
    }

    private static func checkSize(
        _ claim: Claim, elementType: TorchElementType?, storage: (any TensorStorage)?, at location: UD2MError.Location
    ) throws {
        guard let storage else {
            guard claim.count == 0 || claim.isMeta else {
                throw UD2MError(
                    .torchStorageMissing, "The file has no record for storage \(text(claim.key)).", at: location,
                    remedy: "The file is incomplete: fetch it again.")
            }
            return
        }
        guard let elementType else { return }
        let (byteCount, overflow) = claim.count.multipliedReportingOverflow(by: elementType.byteWidth)
        guard !overflow, byteCount == storage.byteCount else {
            throw UD2MError(
                .torchStorageSize,
                "Storage \(text(claim.key)) should hold \(claim.count) elements of \(elementType.byteWidth) bytes "
                    + "but its record has \(storage.byteCount) bytes.", at: location)
        }
    }

    private static func text(_ key: [UInt8]) -> String { String(decoding: key, as: UTF8.self) }
}
