/// Opens a file or folder by what it holds.
struct CheckpointOpener {
    let path: String
    let options: CheckpointOptions
    /// Whether an index may be opened; false for the shards of one, so that indexes never lead to indexes.
    var followsIndexes = true
    /// How many folders deep the weights may lie: a pipeline's folder holds the model's.
    var foldersLeft = 2

    /// Describes the checkpoint.
    /// - Throws: ``UD2MError`` that names the container, the place and the rule broken.
    func checkpoint() throws -> Checkpoint {
        if foldersLeft > 0, let names = FolderListing.names(in: path, limit: 100_000) { return try folder(names) }
        let file = try MappedFile(path: path, access: options.access)
        return try located { try open(file) }
    }

    /// The files that the checkpoint lies in.
    func files() throws -> CheckpointFiles {
        if foldersLeft > 0, let names = FolderListing.names(in: path, limit: 100_000) {
            guard names.contains(DistributedCheckpoint.metadataName) else {
                return try inner(names).opener.files()
            }
            return try located { try DistributedCheckpoint(path: path, options: options).files() }
        }
        let file = try MappedFile(path: path, access: options.access)
        return try located {
            guard try ContainerSniffer(file.bytes).kind() == .shardIndex else { return .file(path: path) }
            let shards = try ShardedCheckpoint(file: file, options: options).shardPaths().values.sorted()
            return .sharded(index: path, shards: shards)
        }
    }

    private func located<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as UD2MError {
            throw error.located(in: .init(file: path))
        }
    }

    private func open(_ file: MappedFile) throws -> Checkpoint {
        switch try ContainerSniffer(file.bytes).kind() {
        case .zip:
            return try ZipCheckpoint(archive: ZipArchive(file: file, limits: options.limits), options: options)
                .checkpoint()
        case .safetensors:
            return try SafetensorsFile(file: file, limits: options.limits, isStrict: options.isStrict).checkpoint()
        case .legacyStream:
            return try LegacyStreamCheckpoint(file: file, options: options).checkpoint()
        case .tar:
            return try TarCheckpoint(file: file, options: options).checkpoint()
        case .npy:
            return try NPYCheckpoint(file: file, limits: options.limits).checkpoint()
        case .pickle:
            return try PickleFileCheckpoint(file: file, options: options).checkpoint()
        case .shardIndex:
            guard followsIndexes else {
                throw UD2MError(.shardIndex, "An index names another index as its shard.", at: .init(byteOffset: 0))
            }
            return try ShardedCheckpoint(file: file, options: options).checkpoint()
        }
    }

    private func folder(_ names: [String]) throws -> Checkpoint {
        if names.contains(DistributedCheckpoint.metadataName) {
            return try located { try DistributedCheckpoint(path: path, options: options).checkpoint() }
        }
        let (opener, remark) = try inner(names)
        var checkpoint = try opener.checkpoint()
        checkpoint.remarks += [remark].compactMap(\.self)
        return checkpoint
    }

    /// The opener of the file or folder in this one that holds the weights: an index, what diffusers saves for a model, or
    /// the denoiser of a pipeline; and what to say about the choice.
    private func inner(_ names: [String]) throws -> (opener: CheckpointOpener, remark: String?) {
        if names.contains("coremldata.bin") || (names.contains("Manifest.json") && names.contains("Data")) {
            throw UD2MError(
                .coreMLModel, "This folder is a Core ML model, not a PyTorch or safetensors checkpoint.",
                at: .init(file: path), remedy: "Look for the PyTorch or safetensors version of the model.")
        }
        if names.contains("saved_model.pb") || names.contains("keras_metadata.pb") {
            throw UD2MError(
                .tensorFlowModel, "This folder is a TensorFlow saved model, not a PyTorch or safetensors checkpoint.",
                at: .init(file: path), remedy: "Look for the PyTorch or safetensors version of the model.")
        }
        let model = try ModelFolder(names: names, path: path)
        let isPipeline = names.contains("model_index.json") && names.contains("unet")
        guard followsIndexes, let name = model.file ?? (isPipeline ? "unet" : nil) else {
            throw UD2MError(
                .fileNotRegular, "This is a folder without a checkpoint that spans it.", at: .init(file: path),
                remedy: ModelFolder.remedy(names: names))
        }
        let inner = path.hasSuffix("/") ? path + name : path + "/" + name
        return (CheckpointOpener(path: inner, options: options, foldersLeft: foldersLeft - 1), model.remark)
    }
}
