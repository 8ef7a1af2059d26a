/// Opens the shards that an index names, as one checkpoint (`formats.md` §7).
struct ShardedCheckpoint {
    /// The index.
    let file: MappedFile
    let options: CheckpointOptions

    /// Whether text is an index: an object with a `weight_map`.
    static func matches(_ value: JSONValue) -> Bool {
        if case .object(let object) = value, case .object? = object["weight_map"] { return true }
        return false
    }

    /// Opens every shard and takes from each the tensors the index promises.
    /// - Throws: ``UD2MError`` with code `shard-index`, `shard-missing`, `shard-tensor-missing` or `unsafe-path`, or what
    ///   opening a shard throws.
    func checkpoint() throws -> Checkpoint {
        let map = try weightMap()
        let paths = try shardPaths(map)
        let missing = paths.filter { FileIdentity.ofFile(at: $0.value) == nil }.keys.sorted()
        guard missing.isEmpty else {
            throw UD2MError(
                .shardMissing,
                "\(missing.count) of \(paths.count) shards missing: \(missing.prefix(5).joined(separator: ", ")).",
                at: .init(entry: missing[0]), remedy: "Fetch them into the folder of the index.")
        }
        var result = Checkpoint(path: file.path, container: .sharded, fileSize: file.count, stateDicts: [])
        var tensors: [String: [TensorName: TensorSource]] = [:]
        for (shard, path) in paths.sorted(by: { $0.key < $1.key }) {
            let opened: Checkpoint
            do {
                opened = try CheckpointOpener(path: path, options: options, followsIndexes: false).checkpoint()
            } catch var error as UD2MError {
                error.findings = result.findings + (error.findings ?? [])
                throw error
            }
            result.fileSize += opened.fileSize
            result.findings += opened.findings
            result.skipped += opened.skipped
            result.remarks += opened.remarks.map { "\(shard): \($0)" }
            result.metadata.merge(opened.metadata) { first, _ in first }
            tensors[shard] = Dictionary(Self.rootTensors(of: opened).map { ($0.name, $0) }) { _, last in last }
        }
        var root: [TensorSource] = []
        for (name, shard) in map {
            guard let source = tensors[shard]?.removeValue(forKey: name) else {
                throw UD2MError(
                    .shardTensorMissing, "The index promises this tensor in \(shard), which does not hold it.",
                    at: .init(entry: shard, tensor: name.text))
            }
            root.append(source)
        }
        for (shard, extra) in tensors.sorted(by: { $0.key < $1.key }) {
            for name in extra.keys.sorted() {
                result.skipped.append(
                    SkippedTensor(path: [name.text], reason: "It is in \(shard), but the index does not mention it."))
            }
        }
        result.stateDicts = [StateDict(path: [], tensors: root)]
        return result
    }

    /// The path of every shard by its name, whether it is there or not.
    /// - Throws: ``UD2MError`` with code `shard-index` or `unsafe-path`.
    func shardPaths() throws -> [String: String] { try shardPaths(weightMap()) }

    private func shardPaths(_ map: [(name: TensorName, shard: String)]) throws -> [String: String] {
        let folder = SiblingFile(folder: Self.folder(of: file.path))
        var paths: [String: String] = [:]
        for (_, shard) in map where paths[shard] == nil { paths[shard] = try folder.path(of: shard) }
        return paths
    }

    /// The name and shard of every tensor, in the index's order.
    private func weightMap() throws -> [(name: TensorName, shard: String)] {
        guard file.count <= options.limits.headerBytes,
            case .object(let document) = try JSONValue(parsing: file.bytes, depth: options.limits.jsonDepth),
            case .object(let map)? = document["weight_map"], map.members.count <= options.limits.tensors
        else { throw UD2MError(.shardIndex, "The index has no weight_map.", at: .init(byteOffset: 0)) }
        return try map.members.map { name, value in
            guard case .string(let shard) = value else {
                throw UD2MError(.shardIndex, "A tensor's shard is no text.", at: .init(byteOffset: 0, tensor: name))
            }
            return (TensorName(name), shard)
        }
    }

    /// The tensors of a shard's root; a shard is a flat state dict.
    private static func rootTensors(of checkpoint: Checkpoint) -> [TensorSource] {
        checkpoint.stateDicts.first { $0.path.isEmpty }?.tensors ?? []
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

extension UD2MError.Code {
    /// An index of shards is malformed.
    public static let shardIndex = Self("shard-index", .badData)
    /// A shard that an index names is not there.
    public static let shardMissing = Self("shard-missing", .noInput)
    /// A tensor is not in the shard that its index names.
    public static let shardTensorMissing = Self("shard-tensor-missing", .badData)
}
