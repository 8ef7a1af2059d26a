extension SafetensorsFile {
    /// The file as a checkpoint: one state dict at the root, in header order, a store's aliases after the tensors they
    /// share their storages with.
    /// - Throws: ``UD2MError`` with a `store-…` code when the file claims to be a store and is not a sound one, or with
    ///   code `tensor-interpretation` when what it says of a tensor's elements does not fit.
    public func checkpoint() throws -> Checkpoint {
        let interpretations = try interpretations()
        let guarantees = isWeightStore ? try StoreGuarantees(self) : nil
        var storages: [TensorName: any TensorStorage] = [:]
        var tensors: [TensorSource] = []
        for entry in entries {
            let storage = try storage(of: entry, digests: guarantees?.digests[entry.name])
            storages[entry.name] = storage
            tensors.append(entry.source(name: entry.name, storage: storage, interpretations[entry.name]))
        }
        if let guarantees {
            let byName = Dictionary(entries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
            for (alias, target) in guarantees.aliases.sorted(by: { $0.key < $1.key }) {
                guard let entry = byName[target], let storage = storages[target] else { continue }
                tensors.append(entry.source(name: alias, storage: storage, interpretations[target]))
            }
        }
        return Checkpoint(
            path: file.path, container: isWeightStore ? .weightStore : .safetensors, fileSize: file.count,
            stateDicts: [StateDict(path: [], tensors: tensors)], metadata: metadata,
            remarks: warnings.map { "\($0.tensor): \($0.message)" })
    }

    /// A tensor's bytes, compared with what a store records of them as they are read.
    private func storage(of entry: Entry, digests: TensorDigests?) throws -> any TensorStorage {
        let stored = try MappedStorage(file: file, range: entry.range, key: entry.name.text)
        guard let digests else { return stored }
        return DigestedStorage(
            stored, digests: digests,
            at: .init(file: file.path, byteOffset: entry.range.lowerBound, tensor: entry.name.text))
    }
}

extension SafetensorsFile {
    /// What the file's `ud2w.quant` says of its tensors.
    func interpretations() throws -> [TensorName: TensorInterpretation] {
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
        name: TensorName, storage: any TensorStorage, _ interpretation: TensorInterpretation?
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
