/// Opens what PyTorch 0.1 wrote in 2016: a tar of `storages`, `tensors` and `pickle` (`formats.md` §6.2).
struct TarCheckpoint {
    let file: MappedFile
    let options: CheckpointOptions

    /// Reads the members in place and describes every tensor.
    /// - Throws: ``UD2MError`` with code `tar-malformed`, `torch-layout`, `torch-legacy`, or a `torch-…` or `pickle-…`
    ///   code.
    func checkpoint() throws -> Checkpoint {
        let archive = try TarArchive(file.bytes, limits: options.limits)
        guard let storages = archive.members["storages"], let tensors = archive.members["tensors"],
            let pickle = archive.members["pickle"]
        else {
            let names = archive.members.keys.sorted()
            if let packed = PackedCheckpoint.error(in: "tar archive", names: names, unpacking: "tar xf FILE") {
                throw packed
            }
            throw UD2MError(
                .torchLayout, "This tar archive is no checkpoint: it lacks storages, tensors or pickle.",
                remedy: "If it holds a checkpoint as a file, unpack it first: tar xf FILE")
        }
        let contents = try TorchPickleReader.contents(limits: options.limits) { reader in
            let known = try readStorages(in: storages, &reader)
            let layouts = try readTensors(in: tensors, storages: known, &reader)
            let graph = try reader.run(Array(file.bytes[pickle]), entry: "pickle", allowsTextPersistentIDs: true)
            try reader.describe(graph, storages: TorchStorageTable(graph, tensors: layouts))
        }
        return contents.checkpoint(path: file.path, container: .torchTar, fileSize: file.count)
    }

    private struct Storage {
        let type: TorchElementType
        let bytes: MappedStorage
        /// The first element and the number of elements; a view shares the bytes of its root.
        var offset: Int
        var count: Int
    }

    // MARK: storages

    /// A count; for each storage a pickle (key, location, type), its element count and its elements; then the views.
    private func readStorages(
        in range: Range<Int>, _ reader: inout TorchPickleReader
    ) throws -> [Int: Storage] {
        var member = Member(file: file, range: range, name: "storages")
        let count = try member.count(&reader)
        var storages: [Int: Storage] = [:]
        for _ in 0..<count {
            let (graph, place) = try member.pickle(&reader)
            guard let items = graph.items(graph.root).map(Array.init), items.count == 3,
                let key = Self.key(items[0], in: graph), let global = graph.global(items[2])
            else { throw member.malformed("A storage is not (key, location, type).", at: place) }
            guard let type = TorchElementType.ofStorage(global) else {
                throw member.malformed("The storage class \(global.qualifiedName) is unknown.", at: place)
            }
            let elements = try member.integer(Int64.self)
            let (byteCount, overflow) = Int(elements).multipliedReportingOverflow(by: type.byteWidth)
            guard elements >= 0, !overflow, storages[key] == nil else {
                throw member.malformed("A storage has an impossible size, or occurs twice.", at: place)
            }
            let bytes = try MappedStorage(file: file, range: member.take(byteCount), key: String(key))
            storages[key] = Storage(type: type, bytes: bytes, offset: 0, count: Int(elements))
        }
        let (graph, place) = try member.pickle(&reader)
        for view in graph.items(graph.root) ?? [] {
            guard let items = graph.items(view).map(Array.init), items.count == 4,
                let key = Self.key(items[0], in: graph), let rootKey = Self.key(items[1], in: graph),
                let root = storages[rootKey], let offset = graph.integer(items[2]), let count = graph.integer(items[3]),
                offset >= 0, count >= 0, offset <= root.count, count <= root.count - offset
            else { throw member.malformed("A storage view is malformed or reaches outside its root.", at: place) }
            storages[key] = Storage(type: root.type, bytes: root.bytes, offset: root.offset + offset, count: count)
        }
        return storages
    }

    // MARK: tensors

    /// A count; for each tensor a pickle (key, storage key, type), rank, four bytes of nothing, sizes, strides, offset.
    private func readTensors(
        in range: Range<Int>, storages: [Int: Storage], _ reader: inout TorchPickleReader
    ) throws -> [Int: TorchTensorLayout] {
        var member = Member(file: file, range: range, name: "tensors")
        let count = try member.count(&reader)
        var tensors: [Int: TorchTensorLayout] = [:]
        for _ in 0..<count {
            let (graph, place) = try member.pickle(&reader)
            guard let items = graph.items(graph.root).map(Array.init), items.count == 3,
                let key = Self.key(items[0], in: graph), let storageKey = Self.key(items[1], in: graph),
                let storage = storages[storageKey], tensors[key] == nil
            else { throw member.malformed("A tensor is not (key, storage, type), or occurs twice.", at: place) }
            let rank = Int(try member.integer(Int32.self))
            guard (0...options.limits.rank).contains(rank) else {
                throw member.malformed("A tensor has \(rank) dimensions.", at: place)
            }
            _ = try member.take(4)
            let shape = try (0..<rank).map { _ in Int(try member.integer(Int64.self)) }
            let strides = try (0..<rank).map { _ in Int(try member.integer(Int64.self)) }
            let offset = Int(try member.integer(Int64.self))
            let width = storage.type.byteWidth
            guard offset >= 0, (shape + strides).allSatisfy({ $0 >= 0 }),
                storage.type.elementType.byteCount(shape: shape) != nil,
                shape.contains(0)
                    || StridedExtent(shape: shape, strides: strides, offset: offset, byteWidth: width)
                        .fits(in: storage.count * width)
            else {
                throw UD2MError(
                    .torchTensorBounds, "A tensor reaches outside its storage.",
                    at: .init(entry: "tensors", byteOffset: place))
            }
            tensors[key] = TorchTensorLayout(
                elementType: storage.type.elementType, shape: shape, strides: strides,
                elementOffset: shape.contains(0) ? 0 : storage.offset + offset, storage: storage.bytes,
                torchType: storage.type.torchType)
        }
        return tensors
    }

    /// Keys are numbers, or their decimal text.
    private static func key(_ id: PickleNodeID, in graph: PickleGraph) -> Int? {
        graph.integer(id)
            ?? graph.textBytes(id).flatMap { $0.count <= 20 ? Int(String(decoding: $0, as: UTF8.self)) : nil }
    }
}

/// A cursor over a member in which pickles and raw numbers alternate.
private struct Member {
    private let file: MappedFile
    private let bytes: UnsafeRawBufferPointer
    private let start: Int
    private let name: String
    private var position = 0

    init(file: MappedFile, range: Range<Int>, name: String) {
        self.file = file
        self.bytes = UnsafeRawBufferPointer(rebasing: file.bytes[range])
        self.start = range.lowerBound
        self.name = name
    }

    /// The next pickle and where it started in the member.
    mutating func pickle(_ reader: inout TorchPickleReader) throws -> (PickleGraph, Int) {
        let place = position
        do {
            let graph = try reader.run(in: bytes, at: position, entry: name)
            let known = reader.contents.findings.count
            try reader.judge(graph)
            for index in reader.contents.findings.indices.dropFirst(known) {
                reader.contents.findings[index].byteOffset += place
            }
            position += graph.endOffset
            return (graph, place)
        } catch var error as UD2MError {
            error.location.byteOffset = error.location.byteOffset.map { $0 + place }
            throw error
        }
    }

    /// The next pickle as a number of items, each of which takes at least a byte.
    mutating func count(_ reader: inout TorchPickleReader) throws -> Int {
        let (graph, place) = try pickle(&reader)
        guard let count = graph.integer(graph.root), (0...bytes.count).contains(count) else {
            throw malformed("The number of items is impossible.", at: place)
        }
        return count
    }

    /// The next little-endian integer.
    mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws -> Value {
        guard let value = bytes.littleEndian(type, at: position) else { throw truncated() }
        position += MemoryLayout<Value>.size
        return value
    }

    /// The next `count` bytes, as a range of the file.
    mutating func take(_ count: Int) throws -> Range<Int> {
        guard count >= 0, count <= bytes.count - position else { throw truncated() }
        defer { position += count }
        return start + position..<start + position + count
    }

    func malformed(_ message: String, at place: Int) -> UD2MError {
        UD2MError(.torchLegacy, message, at: .init(entry: name, byteOffset: place))
    }

    private func truncated() -> UD2MError {
        UD2MError(
            .torchLegacy, "The member ends at byte \(bytes.count), in the middle of an item.",
            at: .init(entry: name, byteOffset: position), remedy: "An incomplete download? Fetch the file again.")
    }
}
