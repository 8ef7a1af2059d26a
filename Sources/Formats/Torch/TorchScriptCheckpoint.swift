/// Opens what `torch.jit.save` wrote: the parameters and buffers only, never the code (`formats.md` §7).
struct TorchScriptCheckpoint {
    let records: TorchRecords
    let options: CheckpointOptions

    /// Reads the module tree and the constants.
    /// - Throws: ``UD2MError`` with a `torch-…`, `pickle-…` or `zip-…` code.
    func checkpoint() throws -> Checkpoint {
        let contents = try TorchPickleReader.contents(limits: options.limits) { reader in
            try read("data", under: [], into: &reader)
            try read("constants", under: ["@constants"], into: &reader)
        }
        return contents.checkpoint(
            path: records.archive.file.path, container: .torchScript, fileSize: records.archive.file.count)
    }

    /// A pickle and the records of its storages, which share its name.
    private func read(_ name: String, under prefix: [String], into reader: inout TorchPickleReader) throws {
        guard let entry = try records.entry(name + ".pkl") else {
            throw UD2MError(.torchLayout, "A TorchScript archive has no \(name).pkl.")
        }
        let provider = try records.storages(prefix: name + "/")
        let graph = try reader.run(try records.eagerContents(entry), entry: entry.displayName)
        let storages = try TorchStorageTable(graph, provider: provider)
        try reader.describe(graph, storages: storages, under: prefix)
    }
}
