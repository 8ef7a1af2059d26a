/// What a persistent id says of a storage (`formats.md` §5.1).
struct TorchStorageClaim {
    /// The container, which decides what a persistent id may be.
    enum Form {
        /// A zip archive: `('storage', type, key, location, count)`.
        case archive
        /// A legacy stream: view metadata may follow, and `('module', class, file, source)` stands for a class.
        case legacy
        /// A `torch.package` archive: as in an archive, but the key is the record's number.
        case package
    }

    /// The storage class.
    let type: PickleGlobal
    /// The storage's key: any text.
    let key: [UInt8]
    /// Elements of `type`.
    let count: Int
    /// The part of the storage that a view shows.
    let view: (offset: Int, count: Int)?
    private let isMeta: Bool

    /// Bytes of a storage's key; real keys are decimal numbers.
    private static let maximumKeyBytes = 256

    /// The key for messages.
    var keyText: String { String(decoding: key, as: UTF8.self) }

    /// The element type, or nil when the class is unknown.
    var elementType: TorchElementType? { TorchElementType.ofStorage(type) }

    /// Parses a persistent id; nil when it stands for a class.
    /// - Throws: ``UD2MError`` with code `torch-persistent-id`.
    init?(_ id: PickleNodeID, in graph: PickleGraph, form: Form, at location: UD2MError.Location) throws {
        // Sizes come first: many ids may share one huge tuple or text, and each may cost only a constant.
        let malformed = UD2MError(
            .torchPersistentID, "A persistent id is not ('storage', type, key, location, count).", at: location)
        guard case .tuple(_, let arity) = graph[id], (4...6).contains(arity),
            let items = graph.items(id).map(Array.init), let tag = graph.textBytes(items[0])
        else { throw malformed }
        if form == .legacy, arity == 4, tag.elementsEqual("module".utf8), case .global = graph[items[1]] { return nil }
        guard arity == 5 || (arity == 6 && form == .legacy), tag.elementsEqual("storage".utf8),
            let type = graph.global(items[1]), let key = Self.key(items[2], in: graph, form: form),
            let device = graph.textBytes(items[3]), let count = graph.integer(items[4]), count >= 0
        else { throw malformed }
        guard TorchElementType.isStorageClass(type) else {
            throw UD2MError(.torchPersistentID, "\(type.qualifiedName) is no storage class.", at: location)
        }
        var view: (offset: Int, count: Int)?
        if arity == 6 {
            switch graph[items[5]] {
            case .none: break
            case .tuple(_, count: 3):
                guard let parts = graph.items(items[5]).map(Array.init), let offset = graph.integer(parts[1]),
                    let size = graph.integer(parts[2]), offset >= 0, size >= 0, offset <= count, size <= count - offset
                else {
                    throw UD2MError(
                        .torchStorageSize, "A view reaches outside storage \(String(decoding: key, as: UTF8.self)).",
                        at: location)
                }
                view = (offset, size)
            default: throw malformed
            }
        }
        self.type = type
        self.key = key
        self.count = count
        self.view = view
        self.isMeta = device.elementsEqual("meta".utf8)
    }

    private static func key(_ id: PickleNodeID, in graph: PickleGraph, form: Form) -> [UInt8]? {
        if form == .package, let number = graph.integer(id), number >= 0 { return Array(String(number).utf8) }
        return graph.textBytes(id).flatMap { $0.count <= maximumKeyBytes ? Array($0) : nil }
    }

    /// Bytes the storage must have, or nil when its class is unknown.
    /// - Throws: ``UD2MError`` with code `torch-storage-size` on overflow.
    func byteCount(at location: UD2MError.Location) throws -> Int? {
        guard let elementType else { return nil }
        let (byteCount, overflow) = count.multipliedReportingOverflow(by: elementType.byteWidth)
        guard !overflow else {
            throw UD2MError(.torchStorageSize, "The size of storage \(keyText) overflows.", at: location)
        }
        return byteCount
    }

    /// Checks that the bytes found are what the id says.
    /// - Throws: ``UD2MError`` with code `torch-storage-missing` or `torch-storage-size`.
    func check(_ storage: (any TensorStorage)?, at location: UD2MError.Location) throws {
        guard let storage else {
            guard count == 0 || isMeta else {
                throw UD2MError(
                    .torchStorageMissing, "The file has no record for storage \(keyText).", at: location,
                    remedy: "The file is incomplete: fetch it again.")
            }
            return
        }
        guard let byteCount = try byteCount(at: location) else { return }
        guard byteCount == storage.byteCount else {
            throw UD2MError(
                .torchStorageSize,
                "Storage \(keyText) should hold \(byteCount) bytes, but its record has \(storage.byteCount).",
                at: location)
        }
    }

    /// The storage, or the view of it, with what the id says.
    func reference(
        to storage: (any TensorStorage)?, at location: UD2MError.Location
    ) throws -> TorchStorageReference {
        // The size of a storage that is here was checked, and a view is smaller.
        let byteCount = storage.map { storage in
            guard let view, let elementType else { return storage.byteCount }
            return view.count * elementType.byteWidth
        }
        return TorchStorageReference(
            type: type, elementType: elementType, elementCount: view?.count ?? count, storage: storage,
            elementBase: view?.offset ?? 0, byteCount: byteCount)
    }
}
