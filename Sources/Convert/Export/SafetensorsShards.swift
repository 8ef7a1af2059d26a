import UD2MFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A set of safetensors files with an index, as the transformers family reads them.
struct SafetensorsShards {
    /// Files at most: they are all open until they appear together.
    private static let maximumCount = 500
    private static let indexSuffix = ".safetensors.index.json"

    private let base: String
    private let groups: [[TensorInput]]
    private let totalBytes: Int

    /// Fills shards in order, none beyond `limit` bytes unless a single tensor is.
    ///
    /// The path names a folder, the index (`name.safetensors.index.json`) or `name.safetensors`.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `export-shards` or `store-tensor`.
    init(tensors: [TensorInput], path: String, limit: Int) throws {
        guard limit > 0 else { throw UD2MError(.exportShards, "A shard must be allowed at least one byte.") }
        var groups: [[TensorInput]] = []
        var filled = 0
        var total = 0
        var names: Set<TensorName> = []
        for tensor in tensors {
            guard let count = tensor.elementType.byteCount(shape: tensor.shape), count < 1 << 62 else {
                throw UD2MError(
                    .storeTensor, "The sizes of the tensor are more than any file has.",
                    at: .init(tensor: tensor.name.text))
            }
            guard names.insert(tensor.name).inserted else {
                throw UD2MError(.storeTensor, "Two tensors have the same name.", at: .init(tensor: tensor.name.text))
            }
            if groups.isEmpty || (filled > 0 && count > limit - min(filled, limit)) {
                groups.append([])
                filled = 0
            }
            groups[groups.count - 1].append(tensor)
            filled += count
            total &+= count
        }
        guard groups.count <= Self.maximumCount else {
            throw UD2MError(
                .exportShards, "\(groups.count) shards; at most \(Self.maximumCount) are written.",
                remedy: "Allow larger shards.")
        }
        self.groups = groups.isEmpty ? [[]] : groups
        self.totalBytes = total
        self.base = Self.base(path)
    }

    /// What every file's path starts with.
    private static func base(_ path: String) -> String {
        for suffix in [indexSuffix, ".safetensors"] where path.hasSuffix(suffix) {
            let base = path.dropLast(suffix.count)
            if !base.isEmpty, !base.hasSuffix("/") { return String(base) }
        }
        return path.hasSuffix("/") ? path + "model" : path + "/model"
    }

    private var indexPath: String { base + Self.indexSuffix }

    /// Shards of an earlier set of the same name that the new set does not replace, and that would be taken for parts
    /// of it by whoever looks for files of that name.
    func leftovers() -> [String] {
        let slash = base.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = slash.map { String(base[...$0]) } ?? ""
        let stem = slash.map { String(base[base.index(after: $0)...]) } ?? base
        let new = Set(groups.indices.map(path))
        let names = FolderListing.names(in: folder.isEmpty ? "." : folder) ?? []
        return names.filter { Self.isShard($0, of: stem) }.map { folder + $0 }.filter { !new.contains($0) }.sorted()
    }

    /// Whether a file's name is `stem-00001-of-00003.safetensors` with any numbers.
    private static func isShard(_ name: String, of stem: String) -> Bool {
        guard name.hasPrefix(stem + "-"), name.hasSuffix(".safetensors") else { return false }
        let parts = name.dropFirst(stem.count + 1).dropLast(".safetensors".count).split(
            separator: "-", omittingEmptySubsequences: false)
        func isNumber(_ text: Substring) -> Bool {
            text.utf8.count >= 5 && text.utf8.allSatisfy { (48...57).contains($0) }
        }
        return parts.count == 3 && isNumber(parts[0]) && parts[1] == "of" && isNumber(parts[2])
    }

    private func path(_ index: Int) -> String {
        func five(_ number: Int) -> String {
            String(repeating: "0", count: max(0, 5 - String(number).count)) + "\(number)"
        }
        return "\(base)-\(five(index + 1))-of-\(five(groups.count)).safetensors"
    }

    /// The index: which file holds which tensor.
    private func indexText() throws -> String {
        var map = JSONObject()
        for (index, group) in groups.enumerated() {
            // The file's name, not its path: the files stay together.
            let name = path(index).split(separator: "/").last.map(String.init) ?? ""
            for tensor in group { map.append(tensor.name.text, .string(name)) }
        }
        var metadata = JSONObject()
        metadata["total_size"] = JSONValue(totalBytes)
        var root = JSONObject()
        root["metadata"] = .object(metadata)
        root["weight_map"] = .object(map)
        return try JSONValue.object(root).canonicalText() + "\n"
    }

    /// The files with their sizes, the index last.
    func files(metadata: [String: String]) throws -> [Exporter.File] {
        try groups.indices.map {
            .init(
                path: path($0), bytes: try SafetensorsFile.plannedSize(tensors: groups[$0], metadata: metadata))
        } + [.init(path: indexPath, bytes: try indexText().utf8.count)]
    }

    /// Writes all data first; then the files get their names, the index last, and leftovers of an earlier set go.
    func write(
        metadata: [String: String], overwrite: Bool, inputs: [String],
        progress: (_ done: Int, _ total: Int) throws -> Void
    ) throws {
        var files: [AtomicFile] = []
        var before = 0
        for (index, group) in groups.enumerated() {
            var last = 0
            files.append(
                try SafetensorsFile.prepare(
                    to: path(index), tensors: group, metadata: metadata, overwrite: overwrite, inputs: inputs
                ) { done, _ in
                    last = done
                    try progress(before + done, totalBytes)
                })
            before += last
        }
        let text = Array(try indexText().utf8)
        let index = try AtomicFile(path: indexPath, byteCount: text.count, overwrite: overwrite, inputs: inputs)
        try text.withUnsafeBytes { try index.write($0, at: 0) }
        let leftovers = leftovers()
        for file in files { try file.commit() }
        try index.commit()
        for path in leftovers where unlink(path) != 0 {
            throw UD2MError(
                .outputWriteFailed, "A shard of an earlier set cannot be removed.", at: .init(file: path),
                remedy: "The new set is complete; remove this file by hand.")
        }
    }
}

extension UD2MError.Code {
    /// The tensors do not fit the number or size of shards asked for.
    public static let exportShards = UD2MError.Code("export-shards", .usage)
}
