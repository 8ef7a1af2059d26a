/// Opens a file that is one bare pickle, as Python's own `pickle.dump` writes it: NumPy arrays are its tensors.
struct PickleFileCheckpoint {
    let file: MappedFile
    let options: CheckpointOptions

    /// Reads and judges the pickle, what follows it, and describes every array.
    /// - Throws: ``UD2MError`` with a `pickle-…` code, or `bare-pickle` when the tensors' data are in another file.
    func checkpoint() throws -> Checkpoint {
        guard file.count <= options.limits.pickleBytes else {
            throw UD2MError(
                .pickleLimit, "The pickle has \(file.count) bytes; the limit is \(options.limits.pickleBytes).",
                at: .init(byteOffset: 0))
        }
        let contents = try TorchPickleReader.contents(limits: options.limits) { reader in
            let graph = try run(with: &reader)
            if let reference = graph.persistentIDs.first {
                throw UD2MError(
                    .barePickle, "This pickle refers to tensor data that are not in the file.",
                    at: reference.location,
                    remedy: "It looks like the data.pkl of a checkpoint, taken out of its archive: get the whole file.")
            }
            try reader.describe(graph, storages: TorchStorageTable())
            reader.contents.remarks.append(
                "This is a bare pickle of Python objects, not a PyTorch file; NumPy arrays in it count as tensors.")
        }
        return contents.checkpoint(path: file.path, container: .pickle, fileSize: file.count)
    }

    private func run(with reader: inout TorchPickleReader) throws -> PickleGraph {
        do {
            return try reader.run(Array(file.bytes), entry: "pickle")
        } catch var error as UD2MError where error.code == .pickleTruncated && error.remedy == nil {
            error.remedy = "The file ends at byte \(file.count): an incomplete download? Fetch it again."
            throw error
        }
    }
}
