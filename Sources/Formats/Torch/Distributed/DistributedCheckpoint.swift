/// Opens a folder that `torch.distributed.checkpoint` wrote: `.metadata`, and the chunks in `.distcp` files
/// (`formats.md` §7).
struct DistributedCheckpoint {
    /// The folder's path.
    let path: String
    let options: CheckpointOptions

    /// The name of the file that makes a folder one.
    static let metadataName = ".metadata"

    /// Reads the metadata, then every record of every file.
    /// - Throws: ``UD2MError`` with code `torch-distributed`, `unsafe-path`, or a `torch-…`, `pickle-…` or `zip-…` code.
    func checkpoint() throws -> Checkpoint {
        let folder = SiblingFile(folder: path)
        let metadataFile = try MappedFile(path: folder.path(of: Self.metadataName))
        var files: [String: MappedFile] = [:]
        let contents = try TorchPickleReader.contents(limits: options.limits) { reader in
            let graph = try reader.run(Array(metadataFile.bytes), entry: Self.metadataName)
            let metadata = try DistributedMetadata(graph, limits: options.limits)
            try checkOverlaps(metadata.items)

            var chunks: [String: [TensorChunk]] = [:]
            for item in metadata.items {
                let file =
                    try files[item.file] ?? MappedFile(path: folder.path(of: item.file), access: options.access)
                files[item.file] = file
                let place = steps(to: item.name, in: metadata).map(\.text)
                guard !item.isTransformed else {
                    let reason = "The chunk is compressed, which is not read."
                    reader.contents.skipped.append(SkippedTensor(path: place, reason: reason))
                    continue
                }
                let found = try read(item, in: file, &reader)
                if let offsets = item.offsets {
                    guard found.looseTensors.count == 1, let source = found.looseTensors.first, found.stateDicts.isEmpty
                    else { throw malformed("A chunk's record does not hold one tensor.", item.file, tensor: item.name) }
                    chunks[item.name, default: []].append(TensorChunk(offsets: offsets, source: source))
                } else {
                    reader.contents.append(found, under: place)
                }
            }
            try deliver(metadata, chunks: chunks, into: &reader.contents)
        }
        return contents.checkpoint(
            path: path, container: .distributed,
            fileSize: metadataFile.count + files.values.reduce(0) { $0 + $1.count })
    }

    /// The metadata's path and the archives in every file that they name; the files are not opened.
    /// - Throws: ``UD2MError`` as ``checkpoint()`` for the metadata.
    func files() throws -> CheckpointFiles {
        let folder = SiblingFile(folder: path)
        let metadataPath = try folder.path(of: Self.metadataName)
        let metadataFile = try MappedFile(path: metadataPath)
        var ranges: [String: [Range<Int>]] = [:]
        _ = try TorchPickleReader.contents(limits: options.limits) { reader in
            let graph = try reader.run(Array(metadataFile.bytes), entry: Self.metadataName)
            let metadata = try DistributedMetadata(graph, limits: options.limits)
            try checkOverlaps(metadata.items)
            for item in metadata.items {
                // A compressed record is no archive; its file is still looked for.
                ranges[try folder.path(of: item.file), default: []] += item.isTransformed ? [] : [item.range]
            }
        }
        return .distributed(
            metadata: metadataPath,
            files: ranges.sorted { $0.key < $1.key }.map { .init(path: $0.key, ranges: $0.value) })
    }

    /// Refuses records that share bytes: reading them all would take more than the files' size.
    private func checkOverlaps(_ items: [DistributedMetadata.Item]) throws {
        let sorted = items.sorted { ($0.file, $0.range.lowerBound) < ($1.file, $1.range.lowerBound) }
        for (first, second) in zip(sorted, sorted.dropFirst())
        where first.file == second.file && first.range.upperBound > second.range.lowerBound {
            throw malformed("Two records share bytes.", second.file, tensor: second.name)
        }
    }

    /// The contents of one record: a whole `torch.save` archive.
    private func read(
        _ item: DistributedMetadata.Item, in file: MappedFile, _ reader: inout TorchPickleReader
    ) throws -> TorchContents {
        var inner = TorchPickleReader(limits: options.limits)
        inner.budget = reader.budget
        do {
            let records = try TorchZipCheckpoint.embedded(in: file, range: item.range, options: options)
            try TorchZipCheckpoint(records: records, options: options).read(into: &inner)
        } catch let error as UD2MError {
            reader.contents.findings += inner.contents.findings
            throw error.located(in: .init(file: file.path, tensor: item.name))
        }
        reader.budget = inner.budget
        reader.contents.findings += inner.contents.findings
        inner.contents.findings = []
        inner.contents.remarks = []
        return inner.contents
    }

    private func deliver(
        _ metadata: DistributedMetadata, chunks: [String: [TensorChunk]], into contents: inout TorchContents
    ) throws {
        var order: [[String]] = []
        var groups: [[String]: [TensorSource]] = [:]
        for tensor in metadata.tensors {
            let place = steps(to: tensor.name, in: metadata)
            let path = place.map(\.text)
            guard let parts = chunks[tensor.name] ?? (tensor.shape.contains(0) ? [] : nil), !parts.isEmpty else {
                contents.skipped.append(SkippedTensor(path: path, reason: "No file holds a chunk of this tensor."))
                continue
            }
            var source = try assemble(tensor, parts)
            source.path = path
            guard let last = place.last, case .key(let name) = last else {
                source.name = TensorName(path.joined(separator: "."))
                contents.looseTensors.append(source)
                continue
            }
            source.name = TensorName(name)
            let parent = Array(path.dropLast())
            if groups[parent] == nil { order.append(parent) }
            groups[parent, default: []].append(source)
        }
        contents.stateDicts += order.map { StateDict(path: $0, tensors: groups[$0] ?? []) }
    }

    /// The tensor its chunks tile; a single chunk is the tensor itself.
    private func assemble(_ tensor: DistributedMetadata.Tensor, _ chunks: [TensorChunk]) throws -> TensorSource {
        let location = UD2MError.Location(file: path, tensor: tensor.name)
        if let problem = ChunkTiling(shape: tensor.shape, chunks: chunks).problem() {
            throw UD2MError(.torchDistributed, problem, at: location)
        }
        let first = chunks[0].source
        if chunks.count == 1, first.shape == tensor.shape { return first }
        guard
            chunks.allSatisfy({
                $0.source.elementType == first.elementType && $0.source.torchType == first.torchType
            })
        else { throw UD2MError(.torchDistributed, "Chunks of one tensor have different types.", at: location) }
        guard let width = first.elementType.byteWidth, let byteCount = first.elementType.byteCount(shape: tensor.shape)
        else { throw UD2MError(.torchDistributed, "The tensor's size overflows.", at: location) }
        for chunk in chunks { try chunk.source.checkExpansion(limits: options.limits) }
        return TensorSource(
            name: TensorName(tensor.name), path: [], elementType: first.elementType, shape: tensor.shape,
            strides: TensorSource.denseStrides(tensor.shape), elementOffset: 0,
            storage: TiledStorage(
                key: tensor.name, shape: tensor.shape, byteCount: byteCount, width: width, chunks: chunks),
            torchType: first.torchType)
    }

    /// Where a name was in the saved object, or the name itself.
    private func steps(to name: String, in metadata: DistributedMetadata) -> [DistributedPathComponent] {
        metadata.paths[name] ?? [.key(name)]
    }

    private func malformed(_ message: String, _ file: String, tensor: String) -> UD2MError {
        UD2MError(.torchDistributed, message, at: .init(file: path, entry: file, tensor: tensor))
    }
}
