/// Opens a zip archive of any kind that holds tensors, told by its entries (`formats.md` §1).
struct ZipCheckpoint {
    let archive: ZipArchive
    let options: CheckpointOptions

    /// Describes the archive.
    /// - Throws: ``UD2MError`` with code `torch-layout` when the archive holds no checkpoint, or what its kind throws.
    func checkpoint() throws -> Checkpoint {
        do {
            var checkpoint = try describe()
            checkpoint.remarks = archive.remarks + checkpoint.remarks
            return checkpoint
        } catch let error as UD2MError {
            throw error.located(in: .init(file: archive.file.path))
        }
    }

    private func describe() throws -> Checkpoint {
        let entries = archive.entries.filter { !$0.isDirectory && !$0.name.starts(with: "__MACOSX/".utf8) }
        guard let first = entries.first else { throw layout("The archive has no entries.") }
        if entries.allSatisfy({ $0.name.suffix(4).elementsEqual(".npy".utf8) }) {
            return try NPZCheckpoint(archive: archive, entries: entries, options: options).checkpoint()
        }
        if TorchExportCheckpoint.isFirstGeneration(archive) {
            return try TorchExportCheckpoint(records: records(root: nil), options: options).checkpoint()
        }
        if let foreign = foreign(entries) { throw foreign }
        let root = first.name.prefix { $0 != UInt8(ascii: "/") }
        for entry in entries where entry.name.prefix(while: { $0 != UInt8(ascii: "/") }) != root {
            if let packed = packed(entries) { throw packed }
            throw UD2MError(
                .torchLayout, "The archive has a second top folder beside \(String(decoding: root, as: UTF8.self)).",
                at: .init(entry: entry.displayName, byteOffset: entry.headerOffset))
        }
        let records = records(root: Array(root))
        if try records.entry("archive_format") != nil {
            return try TorchExportCheckpoint(records: records, options: options).checkpoint()
        }
        if try records.entry(".data/extern_modules") != nil {
            return try TorchPackageCheckpoint(records: records, options: options).checkpoint()
        }
        if try records.entry("constants.pkl") != nil {
            return try TorchScriptCheckpoint(records: records, options: options).checkpoint()
        }
        if try records.entry("data.pkl") != nil {
            return try TorchZipCheckpoint(records: records, options: options).checkpoint()
        }
        if try records.entry("model.json") != nil {
            throw UD2MError(
                .containerUnsupported, "This is a TorchScript archive of PyTorch 1.0 or 1.1, which is not read.",
                at: .init(entry: "model.json"),
                remedy: "Load it in PyTorch and save its state_dict with torch.save, or as safetensors.")
        }
        throw packed(entries) ?? layout("The zip archive is no checkpoint: it has no data.pkl in its top folder.")
    }

    /// Models of other frameworks that are zip archives too; nil for anything else.
    private func foreign(_ entries: [ZipEntry]) -> UD2MError? {
        let kinds: [(ending: String, code: UD2MError.Code, name: String)] = [
            ("model.weights.h5", .tensorFlowModel, "a Keras model"), (".mlmodel", .coreMLModel, "a Core ML model"),
            ("saved_model.pb", .tensorFlowModel, "a TensorFlow saved model"),
        ]
        return kinds.first { kind in
            entries.contains { $0.name.suffix(kind.ending.utf8.count).elementsEqual(kind.ending.utf8) }
        }.map { kind in
            UD2MError(
                kind.code, "This archive is \(kind.name), not a PyTorch or safetensors checkpoint.",
                remedy: "Look for the PyTorch or safetensors version of the model.")
        }
    }

    /// What to say of an archive that only contains checkpoints; nil for one that is something of PyTorch's.
    private func packed(_ entries: [ZipEntry]) -> UD2MError? {
        if entries.contains(where: { $0.name.suffix(9).elementsEqual("/data.pkl".utf8) }) { return nil }
        return PackedCheckpoint.error(in: "zip archive", names: entries.map(\.displayName), unpacking: "unzip FILE")
    }

    private func records(root: [UInt8]?) -> TorchRecords {
        TorchRecords(
            archive: archive, limits: options.limits, allowMissingCRC: options.allowMissingCRC, root: root)
    }

    private func layout(_ message: String) -> UD2MError { UD2MError(.torchLayout, message) }
}
