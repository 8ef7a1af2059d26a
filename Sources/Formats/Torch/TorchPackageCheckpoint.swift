/// Opens what `torch.package` wrote: its pickles, never its code (`formats.md` §7).
struct TorchPackageCheckpoint {
    let records: TorchRecords
    let options: CheckpointOptions

    /// Reads the one pickle asked for, or all of them; several are told apart by the first component of their paths.
    /// - Throws: ``UD2MError`` with code `torch-resource` when there is no such pickle, or a `torch-…`, `pickle-…` or
    ///   `zip-…` code.
    func checkpoint() throws -> Checkpoint {
        let all = records.names.filter { name in
            name.suffix(4).elementsEqual(".pkl".utf8) && !name.starts(with: ".data/".utf8)
        }
        let listing = all.map { String(decoding: $0, as: UTF8.self) }.sorted().joined(separator: ", ")
        let chosen = options.resource.map { resource in all.filter { $0.elementsEqual(resource.utf8) } } ?? all
        guard !chosen.isEmpty else {
            throw UD2MError(
                .torchResource, "The package has no such pickle.", at: .init(entry: options.resource),
                remedy: all.isEmpty ? "It holds no pickles at all." : "It has: \(listing).")
        }
        let contents = try TorchPickleReader.contents(limits: options.limits) { reader in
            let provider = try records.storages(prefix: ".data/", suffix: ".storage")
            for name in chosen {
                guard let entry = try records.entry(name) else { continue }
                let graph = try reader.run(try records.eagerContents(entry), entry: entry.displayName)
                let storages = try TorchStorageTable(graph, form: .package, provider: provider)
                let prefix = chosen.count > 1 ? [String(decoding: name, as: UTF8.self)] : []
                try reader.describe(graph, storages: storages, under: prefix)
            }
            if all.count > chosen.count { reader.contents.remarks.append("The package's pickles are: \(listing).") }
        }
        return contents.checkpoint(
            path: records.archive.file.path, container: .torchPackage, fileSize: records.archive.file.count)
    }
}
