/// Opens one NumPy array as a checkpoint with one nameless tensor.
struct NPYCheckpoint {
    let file: MappedFile
    let limits: Limits

    /// Reads the header.
    /// - Throws: ``UD2MError`` with an `npy-…` code.
    func checkpoint() throws -> Checkpoint {
        let description = try NPYDescription(file.bytes, entry: "array", limits: limits)
        let rest = file.count - description.dataOffset
        guard rest == description.byteCount else {
            throw UD2MError(
                .npySize, "The array should have \(description.byteCount) bytes; the file has \(rest).",
                at: .init(byteOffset: description.dataOffset),
                remedy: rest < description.byteCount ? "An incomplete download? Fetch the file again." : nil)
        }
        let storage = try MappedStorage(
            file: file, range: description.dataOffset..<file.count, key: "", isBigEndian: description.type.isBigEndian)
        return Checkpoint(
            path: file.path, container: .npy, fileSize: file.count, stateDicts: [],
            looseTensors: [description.source(name: "", storage: storage)])
    }
}

/// Opens a zip archive of NumPy arrays (`formats.md` §7).
struct NPZCheckpoint {
    let archive: ZipArchive
    let entries: [ZipEntry]
    let options: CheckpointOptions

    /// Reads every member's header; deflated members are inflated again when their data are read.
    ///
    /// Arrays of texts, structures or Python objects are skipped; what the pickles of objects would do is judged.
    /// - Throws: ``UD2MError`` with an `npy-…` or `zip-…` code.
    func checkpoint() throws -> Checkpoint {
        let cache = InflatedRecordCache()
        var tensors: [TensorSource] = []
        var skipped: [SkippedTensor] = []
        var findings: [PickleFinding] = []
        for entry in entries {
            do {
                tensors.append(try tensor(entry, cache: cache))
            } catch let error as UD2MError where error.code == .npyElementType {
                skipped.append(SkippedTensor(path: [Self.name(entry)], reason: error.message))
            } catch let error as UD2MError where error.findings != nil {
                skipped.append(SkippedTensor(path: [Self.name(entry)], reason: error.message))
                findings += error.findings ?? []
                guard error.code != .npyObjects else { continue }
                findings.append(
                    PickleFinding(
                        severity: .suspicious, global: "", message: "The pickle breaks off. \(error.message)",
                        entry: entry.displayName, byteOffset: error.location.byteOffset ?? 0,
                        opcodeIndex: error.location.opcodeIndex ?? 0))
            } catch let error as UD2MError {
                throw error.located(in: .init(entry: entry.displayName))
            }
        }
        return Checkpoint(
            path: archive.file.path, container: .npz, fileSize: archive.file.count,
            stateDicts: tensors.isEmpty && !skipped.isEmpty ? [] : [StateDict(path: [], tensors: tensors)],
            skipped: skipped, findings: findings)
    }

    private static func name(_ entry: ZipEntry) -> String { String(decoding: entry.name.dropLast(4), as: UTF8.self) }

    private func tensor(_ entry: ZipEntry, cache: InflatedRecordCache) throws -> TensorSource {
        if entry.method == .deflated { try archive.checkInflatedSize(of: entry) }
        let record = ZipRecordStorage(
            archive: archive, entry: entry, key: entry.displayName, isBigEndian: false,
            allowMissingCRC: options.allowMissingCRC, cache: cache)
        let description = try description(entry, record)
        guard entry.size - description.dataOffset == description.byteCount else {
            throw UD2MError(
                .npySize,
                "The array should have \(description.byteCount) bytes; the member has "
                    + "\(entry.size - description.dataOffset).", at: .init(byteOffset: description.dataOffset))
        }
        let storage = StorageSlice(
            of: record, range: description.dataOffset..<entry.size, isBigEndian: description.type.isBigEndian)
        return description.source(name: Self.name(entry), storage: storage)
    }
}

extension NPZCheckpoint {
    /// Bytes of a deflated member that are inflated for its header; usual ones have 128.
    private static let headerBytes = 1 << 12

    /// What a member's header says. Its checksum waits until the data are read: describing must not read gigabytes.
    private func description(_ entry: ZipEntry, _ record: ZipRecordStorage) throws -> NPYDescription {
        func described(_ bytes: UnsafeRawBufferPointer) throws -> NPYDescription {
            try NPYDescription(bytes, entry: entry.displayName, limits: options.limits)
        }
        if entry.method == .stored { return try described(archive.payload(of: entry)) }
        // A longer header, and objects, whose pickle is judged, need the rest; so does saying what is wrong.
        let start = try? archive.inflatedStart(of: entry, count: Self.headerBytes)
        if let start, let description = try? start.withUnsafeBytes(described) { return description }
        return try record.withBytes(described)
    }
}

/// A part of another storage.
final class StorageSlice: TensorStorage {
    let isBigEndian: Bool
    private let whole: any TensorStorage
    private let range: Range<Int>

    var key: String { whole.key }
    var byteCount: Int { range.count }

    /// The bytes of `whole` in `range`, which the caller has checked.
    init(of whole: any TensorStorage, range: Range<Int>, isBigEndian: Bool) {
        self.whole = whole
        self.range = range
        self.isBigEndian = isBigEndian
    }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try whole.withBytes { bytes in
            guard let part = bytes.slice(range) else { throw TensorSource.outsideStorage }
            return try body(part)
        }
    }

    func keepingBytes<Result>(_ body: () throws -> Result) throws -> Result { try whole.keepingBytes(body) }

    func stream(
        _ part: Range<Int>, pieceBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard part.upperBound <= byteCount else { throw TensorSource.outsideStorage }
        let start = range.lowerBound
        try whole.stream(start + part.lowerBound..<start + part.upperBound, pieceBytes: pieceBytes, body)
    }
}
