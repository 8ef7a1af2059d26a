extension SafetensorsFile {
    /// The file as a checkpoint: one state dict at the root, in header order, a store's aliases after the tensors they
    /// share their storages with.
    /// - Throws: ``UD2MError`` with a `store-…` code when the file claims to be a store and is not a sound one, or with
    ///   code `tensor-interpretation` when what it says of a tensor's elements does not fit.
    public func checkpoint() throws -> Checkpoint {
        let interpretations = try interpretations()
        var storages: [TensorName: MappedStorage] = [:]
        var tensors: [TensorSource] = []
        for entry in entries {
            let storage = try MappedStorage(file: file, range: entry.range, key: entry.name.text)
            storages[entry.name] = storage
            tensors.append(entry.source(name: entry.name, storage: storage, interpretations[entry.name]))
        }
        if isWeightStore {
            let byName = Dictionary(entries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
            for (alias, target) in try StoreGuarantees(self).aliases.sorted(by: { $0.key < $1.key }) {
                guard let entry = byName[target], let storage = storages[target] else { continue }
                tensors.append(entry.source(name: alias, storage: storage, interpretations[target]))
            }
        }
        return Checkpoint(
            path: file.path, container: isWeightStore ? .weightStore : .safetensors, fileSize: file.count,
            stateDicts: [StateDict(path: [], tensors: tensors)], metadata: metadata)
    }
}

extension SafetensorsFile {
    /// What the file's `ud2w.quant` says of its tensors.
    private func interpretations() throws -> [TensorName: TensorInterpretation] {
        let key = StoreMetadata.Key.interpretations
        var place = StoreMetadata.place(key, .init(file: file.path))
        guard let json = try StoreMetadata.document(metadata[key], key: key, at: place, depth: 3) else { return [:] }
        func error(_ message: String) -> UD2MError { UD2MError(.tensorInterpretation, message, at: place) }
        guard case .object(let object) = json else { throw error("'\(key)' must be an object.") }
        let byName = Dictionary(entries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var interpretations: [TensorName: TensorInterpretation] = [:]
        for (name, value) in object.members {
            place.tensor = name
            guard let entry = byName[TensorName(name)] else { throw error("The file has no such tensor.") }
            guard
                let interpretation = TensorInterpretation(
                    json: value, elementType: entry.elementType, shape: entry.shape)
            else { throw error("What the elements stand for is malformed, or does not fit the tensor.") }
            interpretations[entry.name] = interpretation
        }
        return interpretations
    }
}

extension SafetensorsFile.Entry {
    fileprivate func source(
        name: TensorName, storage: MappedStorage, _ interpretation: TensorInterpretation?
    ) -> TensorSource {
        var source = TensorSource(
            name: name, path: [name.text], elementType: elementType, shape: shape,
            strides: TensorSource.denseStrides(shape), elementOffset: 0, storage: storage)
        source.interpretation = interpretation ?? .plain
        if source.torchType == TensorInterpretation.complexDouble {
            source.elementType = .c128
            source.shape.removeLast()
            source.strides = TensorSource.denseStrides(source.shape)
            source.torchType = nil
        }
        return source
    }
}
