/// Opens what `torch.export.save` wrote, a `.pt2`: the weights and constants, never the program (`formats.md` §7).
struct TorchExportCheckpoint {
    let records: TorchRecords
    let options: CheckpointOptions

    private static let configSuffix = Array("_config.json".utf8)
    private static let firstGeneration = ["serialized_state_dict.pt", "serialized_constants.pt"]

    /// Whether an archive is of PyTorch 2.1 to 2.6: no top folder, and the weights as one `torch.save` file.
    static func isFirstGeneration(_ archive: ZipArchive) -> Bool {
        archive.entry(named: "serialized_state_dict.pt".utf8) != nil
    }

    /// Reads the weights and constants.
    /// - Throws: ``UD2MError`` with code `torch-export`, or a `torch-…`, `pickle-…`, `json-…` or `zip-…` code.
    func checkpoint() throws -> Checkpoint {
        let contents = try TorchPickleReader.contents(limits: options.limits) { reader in
            if records.root == nil {
                for (name, prefix) in zip(Self.firstGeneration, [[], ["@constants"]]) {
                    guard let entry = try records.entry(name) else { continue }
                    try readEmbedded(entry, under: prefix, into: &reader)
                }
            } else {
                try checkFormat()
                try readConfigs(folder: "data/weights/", under: [], into: &reader)
                try readConfigs(folder: "data/constants/", under: ["@constants"], into: &reader)
            }
            for name in records.names where name.starts(with: "data/sample_inputs/".utf8) {
                reader.contents.skipped.append(
                    SkippedTensor(
                        path: [String(decoding: name, as: UTF8.self)],
                        reason: "Sample inputs of the program are no weights."))
            }
        }
        return contents.checkpoint(
            path: records.archive.file.path, container: .torchExport, fileSize: records.archive.file.count)
    }

    private func checkFormat() throws {
        guard let entry = try records.entry("archive_format") else { return }
        guard try records.contents(entry, maximumBytes: 64).starts(with: "pt2".utf8) else {
            throw UD2MError(.torchExport, "The archive's format is not pt2.", at: .init(entry: entry.displayName))
        }
    }

    /// Every `…_config.json` of a folder; several models are told apart by the first component of their paths.
    private func readConfigs(folder: String, under prefix: [String], into reader: inout TorchPickleReader) throws {
        let configs = records.names.filter {
            $0.starts(with: folder.utf8) && $0.suffix(Self.configSuffix.count).elementsEqual(Self.configSuffix)
        }
        let storages = try records.storages(prefix: folder)
        for name in configs {
            guard let entry = try records.entry(name) else { continue }
            let model = String(
                decoding: name.dropFirst(folder.utf8.count).dropLast(Self.configSuffix.count), as: UTF8.self)
            let path = configs.count > 1 ? prefix + [model] : prefix
            try readConfig(entry, folder: folder, storages: storages, under: path, into: &reader)
        }
    }

    private func readConfig(
        _ entry: ZipEntry, folder: String, storages: TorchRecordStorages, under prefix: [String],
        into reader: inout TorchPickleReader
    ) throws {
        guard case .object(let document) = try records.json(entry), case .object(let config)? = document["config"],
            config.members.count <= options.limits.tensors
        else { throw malformed("The description of the weights is malformed.", entry) }
        var known: [[UInt8]: any TensorStorage] = [:]
        var tensors: [TensorSource] = []
        for (name, value) in config.members {
            guard case .object(let weight) = value, case .string(let record)? = weight["path_name"] else {
                throw malformed("A weight has no record.", entry, tensor: name)
            }
            let key = Array(record.utf8)
            guard let payload = try records.entry(folder.utf8 + key) else {
                throw malformed("The record of a weight is missing.", entry, tensor: name)
            }
            if case .bool(true)? = weight["use_pickle"] {
                try readEmbedded(payload, under: prefix + [name], into: &reader)
                continue
            }
            guard case .object(let meta)? = weight["tensor_meta"] else {
                reader.contents.skipped.append(
                    SkippedTensor(path: prefix + [name], reason: "The archive does not say that this is a tensor."))
                continue
            }
            let storage = try known[key] ?? storages.storage(of: payload, key: key)
            known[key] = storage
            tensors.append(try tensor(name, meta, storage: storage, under: prefix, entry))
        }
        if !tensors.isEmpty { reader.contents.stateDicts.append(StateDict(path: prefix, tensors: tensors)) }
    }

    private func tensor(
        _ name: String, _ meta: JSONObject, storage: any TensorStorage, under prefix: [String], _ entry: ZipEntry
    ) throws -> TensorSource {
        guard let code = meta["dtype"]?.int, let type = Self.types[code].flatMap(TorchElementType.ofDtype) else {
            throw malformed("The dtype of a weight is unknown.", entry, tensor: name)
        }
        guard let shape = integers(meta["sizes"]), let strides = integers(meta["strides"]),
            let offset = integer(meta["storage_offset"]), shape.count == strides.count,
            shape.count <= options.limits.rank
        else { throw malformed("A weight's size, strides or offset are not whole numbers.", entry, tensor: name) }
        guard let count = type.elementType.byteCount(shape: shape),
            count == 0
                || StridedExtent(shape: shape, strides: strides, offset: offset, byteWidth: type.byteWidth)
                    .fits(in: storage.byteCount)
        else {
            throw UD2MError(
                .torchTensorBounds, "A weight reaches outside its record.",
                at: .init(entry: entry.displayName, tensor: name))
        }
        return TensorSource(
            name: TensorName(name), path: prefix + [name], elementType: type.elementType, shape: shape,
            strides: strides, elementOffset: offset, storage: storage, torchType: type.torchType)
    }

    /// A `torch.save` archive that is a record of this one.
    private func readEmbedded(
        _ entry: ZipEntry, under prefix: [String], into reader: inout TorchPickleReader
    ) throws {
        guard entry.method == .stored else {
            throw UD2MError(
                .containerUnsupported, "The archive holds its weights in a compressed archive, which is not read.",
                at: .init(entry: entry.displayName), remedy: "Save it again with torch.export.save.")
        }
        do {
            let embedded = try TorchZipCheckpoint.embedded(
                in: records.archive.file, range: entry.payloadRange, options: options)
            try TorchZipCheckpoint(records: embedded, options: options).read(into: &reader, under: prefix)
        } catch var error as UD2MError {
            error.location.entry = [entry.displayName, error.location.entry].compactMap(\.self).joined(separator: "!")
            throw error
        }
    }

    /// `{"as_int": 3}` or the number itself; sizes that are symbols are none.
    private func integer(_ value: JSONValue?) -> Int? {
        if case .object(let object)? = value { return integer(object["as_int"]) }
        return value?.int.flatMap { $0 >= 0 ? $0 : nil }
    }

    private func integers(_ value: JSONValue?) -> [Int]? {
        guard case .array(let items)? = value else { return nil }
        let integers = items.compactMap { integer($0) }
        return integers.count == items.count ? integers : nil
    }

    private func malformed(_ message: String, _ entry: ZipEntry, tensor: String? = nil) -> UD2MError {
        UD2MError(.torchExport, message, at: .init(entry: entry.displayName, tensor: tensor))
    }

    /// The numbers of dtypes in `torch._export.serde`.
    private static let types: [Int: PickleGlobal] = [
        1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64",
        9: "complex32", 10: "complex64", 11: "complex128", 12: "bool", 13: "bfloat16", 28: "uint16",
        29: "float8_e4m3fn", 30: "float8_e5m2", 31: "float8_e4m3fnuz", 32: "float8_e5m2fnuz", 33: "float8_e8m0fnu",
        34: "uint32", 35: "uint64",
    ].mapValues { PickleGlobal(module: "torch", name: $0) }
}
