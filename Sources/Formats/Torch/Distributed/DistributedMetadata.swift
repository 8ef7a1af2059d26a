/// The `.metadata` of a distributed checkpoint, as data (`formats.md` §7).
struct DistributedMetadata {
    /// A tensor as its chunks should make it.
    struct Tensor {
        let name: String
        let shape: [Int]
    }

    /// A record of a `.distcp` file.
    struct Item {
        let name: String
        /// Where the chunk starts in its tensor, or nil for an object that is no tensor.
        let offsets: [Int]?
        let file: String
        let range: Range<Int>
        /// Whether the record was compressed or encrypted on its way to the file.
        let isTransformed: Bool
    }

    /// The tensors in file order.
    private(set) var tensors: [Tensor] = []
    /// Names of objects that are no tensors.
    private(set) var objects: [String] = []
    /// What the files hold.
    private(set) var items: [Item] = []
    /// Where each name was in the saved object.
    private(set) var paths: [String: [DistributedPathComponent]] = [:]

    private let graph: PickleGraph
    private let limits: Limits

    /// Reads the root object's attributes.
    /// - Throws: ``UD2MError`` with code `torch-distributed`.
    init(_ graph: PickleGraph, limits: Limits) throws {
        self.graph = graph
        self.limits = limits
        guard case .record(let number) = graph[graph.root] else { throw malformed("The metadata are no object.") }
        let attributes = attributes(graph.record(number))
        guard let state = attributes["state_dict_metadata"].flatMap(graph.mapping),
            let storage = attributes["storage_data"].flatMap(graph.mapping), state.count <= limits.tensors,
            storage.count <= limits.tensors
        else { throw malformed("The metadata do not describe tensors and where they are stored.") }
        for (key, value) in state { try addName(key, value) }
        for (key, value) in storage { items.append(try item(key, value)) }
        for (key, value) in attributes["planner_data"].flatMap(graph.mapping) ?? [] {
            guard let name = graph.text(key), let steps = graph.items(value) else { continue }
            let path = steps.prefix(64).compactMap(component)
            if path.count == steps.count { paths[name] = path }
        }
    }

    private mutating func addName(_ key: PickleNodeID, _ value: PickleNodeID) throws {
        guard let name = graph.text(key), name.utf8.count <= limits.nameBytes, case .record(let number) = graph[value]
        else { throw malformed("A name of the metadata is no text, or describes nothing.") }
        let record = graph.record(number)
        let kind = graph.global(record.callable)?.name
        guard kind == "TensorStorageMetadata" else {
            objects.append(name)
            return
        }
        guard let shape = attributes(record)["size"].flatMap(sizes) else {
            throw malformed("A tensor of the metadata has no size.", tensor: name)
        }
        tensors.append(Tensor(name: name, shape: shape))
    }

    private func item(_ key: PickleNodeID, _ value: PickleNodeID) throws -> Item {
        guard case .record(let indexNumber) = graph[key], case .record(let infoNumber) = graph[value] else {
            throw malformed("The storage data are not a table of places.")
        }
        let index = attributes(graph.record(indexNumber))
        let info = attributes(graph.record(infoNumber))
        guard let name = index["fqn"].flatMap(graph.text), let file = info["relative_path"].flatMap(graph.text),
            let offset = info["offset"].flatMap(graph.integer), let length = info["length"].flatMap(graph.integer),
            offset >= 0, length >= 0, case let (end, overflow) = offset.addingReportingOverflow(length), !overflow
        else { throw malformed("A place of the storage data is malformed.") }
        var offsets: [Int]?
        if let id = index["offset"], !isNone(id) {
            guard let sizes = sizes(id) else { throw malformed("A chunk's offset is malformed.", tensor: name) }
            offsets = sizes
        }
        let transforms = info["transform_descriptors"]
        return Item(
            name: name, offsets: offsets, file: file, range: offset..<end,
            isTransformed: transforms.map { !isNone($0) && graph.items($0)?.isEmpty != true } ?? false)
    }

    private func attributes(_ record: PickleRecord) -> [String: PickleNodeID] {
        var result: [String: PickleNodeID] = [:]
        for (key, value) in graph.attributes(record).named.prefix(32) {
            if let name = graph.textBytes(key), name.count <= 64 {
                result[String(decoding: name, as: UTF8.self)] = value
            }
        }
        return result
    }

    /// A `torch.Size` or tuple of whole numbers.
    private func sizes(_ id: PickleNodeID) -> [Int]? {
        var items = graph.items(id)
        if case .record(let number) = graph[id] {
            items = graph.arguments(graph.record(number)).first.flatMap(graph.items)
        }
        guard let items, items.count <= limits.rank else { return nil }
        let sizes = items.compactMap { graph.integer($0) }
        return sizes.count == items.count && sizes.allSatisfy { $0 >= 0 } ? sizes : nil
    }

    private func component(_ id: PickleNodeID) -> DistributedPathComponent? {
        if let index = graph.integer(id) { return .index(index) }
        return graph.text(id).map { .key($0) }
    }

    private func isNone(_ id: PickleNodeID) -> Bool {
        if case .none = graph[id] { return true }
        return false
    }

    private func malformed(_ message: String, tensor: String? = nil) -> UD2MError {
        UD2MError(.torchDistributed, message, at: .init(entry: graph.entry, tensor: tensor))
    }
}

/// A step into the object that was saved.
enum DistributedPathComponent {
    case key(String)
    case index(Int)

    var text: String {
        switch self {
        case .key(let key): key
        case .index(let index): String(index)
        }
    }
}
