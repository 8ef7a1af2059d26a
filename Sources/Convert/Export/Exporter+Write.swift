import UD2MFormats

extension Exporter {
    /// A file of the export.
    public struct File: Sendable, Hashable {
        /// The path.
        public let path: String
        /// Bytes.
        public let bytes: Int
    }

    /// The files that would be written, with their sizes; checks everything that can be checked without data.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `export-dtype`, `export-shards`, `store-tensor` or the like.
    public func files(at path: String) throws -> [File] {
        let size: Int
        switch options.format {
        case .safetensors: size = try SafetensorsFile.plannedSize(tensors: tensors, metadata: metadata)
        case .sharded: return try shards(at: path).files(metadata: metadata)
        case .pt: size = try torchWriter().fileSize
        case .npz: size = try NPZWriter(tensors: tensors).fileSize
        case .ud2w: size = try storeWriter().fileSize
        }
        return [File(path: path, bytes: size)]
    }

    /// Shards of an earlier set of the same name that ``write(to:overwrite:progress:)`` removes; no other format has any.
    /// - Throws: ``UD2MFormats/UD2MError`` as ``files(at:)``.
    public func leftovers(at path: String) throws -> [String] {
        options.format == .sharded ? try shards(at: path).leftovers() : []
    }

    /// Writes the files, which appear complete or not at all.
    /// - Parameters:
    ///   - path: Where to; for shards the folder, the index or what the shards' names start with.
    ///   - overwrite: Whether existing files may be replaced.
    ///   - progress: Called with the bytes done and all bytes; may throw to cancel.
    /// - Returns: The content id of a store, nil for other formats.
    /// - Throws: ``UD2MFormats/UD2MError`` from planning, reading or writing.
    public func write(
        to path: String, overwrite: Bool, progress: (_ done: Int, _ total: Int) throws -> Void
    ) throws -> String? {
        let inputs = [checkpoint.path] + options.otherInputs
        do {
            switch options.format {
            case .safetensors:
                try SafetensorsFile.write(
                    to: path, tensors: tensors, metadata: metadata, overwrite: overwrite, inputs: inputs,
                    progress: progress)
            case .sharded:
                try shards(at: path).write(
                    metadata: metadata, overwrite: overwrite, inputs: inputs, progress: progress)
            case .pt:
                try torchWriter().write(to: path, overwrite: overwrite, inputs: inputs, progress: progress)
            case .npz:
                try NPZWriter(tensors: tensors).write(
                    to: path, overwrite: overwrite, inputs: inputs, progress: progress)
            case .ud2w:
                return try storeWriter().write(to: path, overwrite: overwrite, inputs: inputs, progress: progress)
                    .contentID
            }
            return nil
        } catch let error as UD2MError where error.code.category == .badData {
            throw error.located(in: .init(file: checkpoint.path))
        }
    }

    private func torchWriter() throws -> TorchZipWriter {
        try TorchZipWriter(tensors: tensors, aliases: aliases, order: order)
    }

    private func storeWriter() throws -> WeightStoreWriter {
        try WeightStoreWriter(tensors: tensors, aliases: aliases, information: information)
    }

    private func shards(at path: String) throws -> SafetensorsShards {
        try SafetensorsShards(tensors: tensors, path: path, limit: options.shardBytes)
    }
}
