/// Opens a zip archive that `torch.save` wrote (`formats.md` §2).
struct TorchZipCheckpoint {
    private let archive: ZipArchive
    private let limits: Limits
    private let allowMissingCRC: Bool
    private let root: [UInt8]
    private var remarks: [String]

    private static let slash = UInt8(ascii: "/")

    /// Finds the archive's kind and its top folder.
    /// - Throws: ``UD2MError`` with code `torch-layout`, or `container-unsupported` for other kinds of archive.
    init(_ archive: ZipArchive, limits: Limits, allowMissingCRC: Bool) throws {
        self.archive = archive
        self.limits = limits
        self.allowMissingCRC = allowMissingCRC
        self.remarks = archive.remarks
        let entries = archive.entries.filter { !$0.isDirectory && !$0.name.starts(with: "__MACOSX/".utf8) }
        guard let first = entries.first else {
            throw Self.layout("The archive has no entries.", archive)
        }
        if entries.allSatisfy({ $0.name.suffix(4).elementsEqual(".npy".utf8) }) {
            throw Self.unsupported("a NumPy archive (npz)", archive)
        }
        self.root = Array(first.name.prefix { $0 != Self.slash })
        for entry in entries where entry.name.prefix(while: { $0 != Self.slash }) != root[...] {
            throw UD2MError(
                .torchLayout, "The archive has a second top folder beside \(String(decoding: root, as: UTF8.self)).",
                at: .init(file: archive.file.path, entry: entry.displayName, byteOffset: entry.headerOffset))
        }
        for (record, kind) in [
            ("constants.pkl", "a TorchScript archive"), ("archive_format", "a torch.export archive (pt2)"),
            (".data/extern_modules", "a torch.package archive"),
        ] where archive.entry(named: Self.name(root, record)) != nil {
            throw Self.unsupported(kind, archive)
        }
        guard archive.entry(named: Self.name(root, "data.pkl")) != nil else {
            throw Self.layout("The zip archive is no checkpoint: it has no data.pkl in its top folder.", archive)
        }
    }

    /// Reads the pickle and describes every tensor.
    func checkpoint() throws -> Checkpoint {
        do {
            return try describe()
        } catch let error as UD2MError {
            throw error.located(in: .init(file: archive.file.path))
        }
    }

    private func describe() throws -> Checkpoint {
        var remarks = remarks
        try checkVersion(&remarks)
        let isBigEndian = try readByteOrder()
        guard let entry = try record("data.pkl") else { throw Self.layout("There is no data.pkl.", archive) }
        let stream = try contents(of: entry, maximumBytes: min(limits.pickleBytes, limits.inflatedRecordBytes))
        var budget = PickleBudget(limits)
        let graph = try PickleMachine.run(stream, entry: entry.displayName, limits: limits, budget: &budget)
        var findings = try PickleAudit.findings(in: graph, limits: limits)
        findings += TrailingPickles.findings(after: graph, stream: stream, limits: limits, budget: &budget)
        findings += try NestedStreams.findings(in: graph, limits: limits, budget: &budget)

        let provider = Provider(
            archive: archive, prefix: Self.name(root, "data/"), isBigEndian: isBigEndian,
            allowMissingCRC: allowMissingCRC, cache: InflatedRecordCache())
        let storages = try TorchStorageTable(graph, provider: provider)
        let prefix = Self.name(root, "data/")
        let unused = archive.entries.count { !$0.isDirectory && $0.name.starts(with: prefix) } - storages.foundCount
        if unused > 0 { remarks.append("\(unused) storages of the archive are named by no tensor.") }
        let reader = TorchTensorReader(graph: graph, storages: storages, limits: limits)
        var walker = TorchWalker(graph: graph, reader: reader, limits: limits)
        try walker.walk()
        return Checkpoint(
            path: archive.file.path, container: .torchZip, fileSize: archive.file.count, stateDicts: walker.stateDicts,
            looseTensors: walker.looseTensors, skipped: walker.skipped, findings: findings, remarks: remarks)
    }

    private func checkVersion(_ remarks: inout [String]) throws {
        guard let entry = try record("version") else {
            remarks.append("The archive has no version record, which PyTorch itself would refuse.")
            return
        }
        let text = try contents(of: entry, maximumBytes: 64)
        guard let version = Self.decimal(text), (1...10).contains(version) else {
            throw UD2MError(
                .torchVersion, "The archive's version is not between 1 and 10.", at: .init(entry: entry.displayName))
        }
    }

    private func readByteOrder() throws -> Bool {
        guard let entry = try record("byteorder") else { return false }
        let text = try contents(of: entry, maximumBytes: 64)
        if text.elementsEqual("little".utf8) { return false }
        if text.elementsEqual("big".utf8) { return true }
        throw UD2MError(
            .torchVersion, "The archive's byte order is neither little nor big.", at: .init(entry: entry.displayName))
    }

    private func record(_ name: String) throws -> ZipEntry? {
        guard let entry = archive.entry(named: Self.name(root, name)) else { return nil }
        try Provider.checkName(entry)
        return entry
    }

    private func contents(of entry: ZipEntry, maximumBytes: Int) throws -> [UInt8] {
        try archive.contents(of: entry, maximumBytes: maximumBytes, allowMissingCRC: allowMissingCRC)
    }

    private struct Provider: TorchStorageProvider {
        let archive: ZipArchive
        let prefix: [UInt8]
        let isBigEndian: Bool
        let allowMissingCRC: Bool
        let cache: InflatedRecordCache

        func storage(key: [UInt8]) throws -> (any TensorStorage)? {
            guard let entry = archive.entry(named: prefix + key) else { return nil }
            try Self.checkName(entry)
            if entry.method == .deflated { try archive.checkInflatedSize(of: entry) }
            return ZipRecordStorage(
                archive: archive, entry: entry, key: String(decoding: key, as: UTF8.self), isBigEndian: isBigEndian,
                allowMissingCRC: allowMissingCRC, cache: cache)
        }

        static func checkName(_ entry: ZipEntry) throws {
            guard entry.hasPlainName else {
                throw UD2MError(
                    .zipUnsafeName, "A record that is needed has a name that is no plain relative path.",
                    at: .init(entry: entry.displayName, byteOffset: entry.headerOffset))
            }
        }
    }

    private static func name(_ root: [UInt8], _ rest: String) -> [UInt8] { root + [slash] + Array(rest.utf8) }

    private static func decimal(_ text: [UInt8]) -> Int? {
        var digits = text[...]
        while let last = digits.last, last == 0x0A || last == 0x0D || last == 0x20 { digits.removeLast() }
        guard !digits.isEmpty, digits.count <= 4, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(String(decoding: digits, as: UTF8.self))
    }

    private static func layout(_ message: String, _ archive: ZipArchive) -> UD2MError {
        UD2MError(.torchLayout, message, at: .init(file: archive.file.path))
    }

    private static func unsupported(_ kind: String, _ archive: ZipArchive) -> UD2MError {
        UD2MError(
            .containerUnsupported, "This is \(kind), which is not read yet.", at: .init(file: archive.file.path),
            remedy: "Load it in PyTorch and save its state_dict with torch.save, or as safetensors.")
    }
}
