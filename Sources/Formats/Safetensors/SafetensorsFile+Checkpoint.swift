extension SafetensorsFile {
    /// The file as a checkpoint: one state dict at the root, in header order, a store's aliases after the tensors they
    /// share their storages with.
    /// - Throws: ``UD2MError`` with a `store-…` code when the file claims to be a store and is not a sound one.
    public func checkpoint() throws -> Checkpoint {
        var storages: [TensorName: MappedStorage] = [:]
        var tensors: [TensorSource] = []
        for entry in entries {
            let storage = try MappedStorage(file: file, range: entry.range, key: entry.name.text)
            storages[entry.name] = storage
            tensors.append(entry.source(name: entry.name, storage: storage))
        }
        if isWeightStore {
            let byName = Dictionary(entries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
            for (alias, target) in try StoreGuarantees(self).aliases.sorted(by: { $0.key < $1.key }) {
                guard let entry = byName[target], let storage = storages[target] else { continue }
                tensors.append(entry.source(name: alias, storage: storage))
            }
        }
        return Checkpoint(
            path: file.path, container: isWeightStore ? .weightStore : .safetensors, fileSize: file.count,
            stateDicts: [StateDict(path: [], tensors: tensors)], metadata: metadata)
    }
}

extension SafetensorsFile.Entry {
    fileprivate func source(name: TensorName, storage: MappedStorage) -> TensorSource {
        TensorSource(
            name: name, path: [name.text], elementType: elementType, shape: shape,
            strides: TensorSource.denseStrides(shape), elementOffset: 0, storage: storage)
    }
}
