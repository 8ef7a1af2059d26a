/// Opens a zip archive that `torch.save` wrote (`formats.md` §2).
struct TorchZipCheckpoint {
    let records: TorchRecords
    let options: CheckpointOptions

    /// Reads the pickle and describes every tensor.
    /// - Throws: ``UD2MError`` with a `torch-…`, `pickle-…` or `zip-…` code.
    func checkpoint() throws -> Checkpoint {
        let contents = try TorchPickleReader.contents(limits: options.limits) { reader in
            try read(into: &reader)
        }
        return contents.checkpoint(
            path: records.archive.file.path, container: .torchZip, fileSize: records.archive.file.count)
    }

    /// Reads the pickle within a budget that other archives share.
    func read(into reader: inout TorchPickleReader, under prefix: [String] = []) throws {
        try checkVersion(&reader.contents.remarks)
        guard let entry = try records.entry("data.pkl") else {
            throw UD2MError(.torchLayout, "There is no data.pkl in the archive's top folder.")
        }
        let provider = try records.storages(prefix: "data/")
        let graph = try reader.run(try records.eagerContents(entry), entry: entry.displayName)
        let storages = try TorchStorageTable(graph, provider: provider)
        let unused = records.names.count { $0.starts(with: "data/".utf8) } - storages.foundCount
        if unused > 0 { reader.contents.remarks.append("\(unused) storages of the archive are named by no tensor.") }
        try reader.describe(graph, storages: storages, under: prefix)
        judgeOtherPickles(than: entry, into: &reader)
    }

    /// The most pickles beside `data.pkl` that are looked into.
    private static let otherPickles = 16

    /// Judges the pickles that the archive holds beside its own, which PyTorch never reads (`formats.md` §10.1).
    private func judgeOtherPickles(than own: ZipEntry, into reader: inout TorchPickleReader) {
        let others = records.archive.entries.filter {
            !$0.isDirectory && $0.name != own.name && $0.name.suffix(4).elementsEqual(".pkl".utf8)
                && !$0.name.starts(with: "__MACOSX/".utf8)
        }
        for entry in others.prefix(Self.otherPickles) {
            let stream = try? records.eagerContents(entry)
            reader.judgeUnread(
                stream ?? [], entry: entry.displayName, offset: entry.headerOffset,
                message: "PyTorch does not read this pickle"
                    + (stream == nil ? ", and it cannot be read." : " of the archive."))
        }
        if others.count > Self.otherPickles {
            reader.contents.remarks.append("\(others.count) pickles of the archive are read by nobody.")
        }
    }

    /// The records of a `torch.save` archive that lies inside another file.
    /// - Throws: ``UD2MError`` with a `zip-…` or `torch-layout` code.
    static func embedded(in file: MappedFile, range: Range<Int>, options: CheckpointOptions) throws -> TorchRecords {
        let archive = try ZipArchive(file: file, range: range, limits: options.limits)
        guard let first = archive.entries.first(where: { !$0.isDirectory }) else {
            throw UD2MError(.torchLayout, "The embedded archive has no entries.", at: .init(file: file.path))
        }
        return TorchRecords(
            archive: archive, limits: options.limits, allowMissingCRC: options.allowMissingCRC,
            root: Array(first.name.prefix { $0 != UInt8(ascii: "/") }))
    }

    private func checkVersion(_ remarks: inout [String]) throws {
        guard let entry = try records.entry("version") else {
            remarks.append("The archive has no version record, which PyTorch itself would refuse.")
            return
        }
        let text = try records.contents(entry, maximumBytes: 64)
        guard let version = Self.decimal(text), (1...10).contains(version) else {
            throw UD2MError(
                .torchVersion, "The archive's version is not between 1 and 10.", at: .init(entry: entry.displayName))
        }
    }

    private static func decimal(_ text: [UInt8]) -> Int? {
        var digits = text[...]
        while let last = digits.last, last == 0x0A || last == 0x0D || last == 0x20 { digits.removeLast() }
        guard !digits.isEmpty, digits.count <= 4, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(String(decoding: digits, as: UTF8.self))
    }
}
