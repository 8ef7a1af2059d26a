import UD2MFormats

/// The work of `ud2m-convert verify`.
struct VerifyRun {
    /// Whether to compute SHA-256 where the file records it.
    let deep: Bool
    /// Whether to check the structure only.
    let shallow: Bool
    /// How files are opened, and whether an archive's record without a checksum is taken as it is.
    let input: CheckpointInput

    /// Checks one checkpoint: every file of it, if it lies in several.
    /// - Throws: ``UD2MFormats/UD2MError`` when its structure is unsound; damaged data are reported, not thrown. What
    ///   ails one of several files is reported too, so that the others are checked.
    func execute(_ path: String, progress: any ProgressSink) throws -> VerifyReport {
        switch try input.files(of: path) {
        case .file(let path): try verifyFile(path, progress: progress)
        case .sharded(let index, let shards): try verifyShards(index, shards, progress: progress)
        case .distributed(let metadata, let files):
            try verifyDistributed(path, metadata: metadata, files, progress: progress)
        }
    }

    /// Checks a file that holds all of its checkpoint, or is a part of one.
    func verifyFile(_ path: String, progress: any ProgressSink) throws -> VerifyReport {
        let file = try MappedFile(path: path, access: input.access)
        if !shallow, file.bytes.hasBytes([0x50, 0x4B, 0x03, 0x04], at: 0) {
            return try verifyArchive(file, progress: progress)
        }
        let checkpoint = try input.open(path)
        guard !shallow, checkpoint.container == .weightStore else {
            return report(file, checkpoint, level: .structure)
        }
        let store = try WeightStore(SafetensorsFile(file: file))
        let entries = store.safetensors.entries.sorted { $0.range.lowerBound < $1.range.lowerBound }
        if let first = entries.first, store.digests(of: first.name) == nil {
            return report(file, checkpoint, level: .structure)
        }
        file.advise(.sequential)
        let counter = SharedProgress(progress, total: file.count, label: "verifying")
        let found = try Parallel.map(entries, finished: { counter.add($0.range.count) }) {
            try store.mismatch(of: $0, deep: deep)
        }
        try store.safetensors.file.checkUnchanged()
        let mismatches = found.compactMap(\.self).map {
            VerifyReport.Mismatch(
                tensor: $0.tensor.text, entry: nil, check: $0.kind.rawValue, begin: $0.range.lowerBound,
                end: $0.range.upperBound)
        }
        return report(
            file, checkpoint, level: deep ? .digests : .checksums, contentID: store.contentID, mismatches: mismatches)
    }

    /// Compares every record of a zip archive with its CRC-32, then opens the checkpoint in it.
    private func verifyArchive(_ file: MappedFile, progress: any ProgressSink) throws -> VerifyReport {
        let archive = try ZipArchive(file: file, limits: input.limits)
        let mismatches = try mismatches(in: archive, progress: progress)
        if !mismatches.isEmpty {
            // The pickle itself may be among the damaged records, so the archive is all that can be named.
            return VerifyReport(
                path: file.path, container: "zip", bytes: file.count, level: .checksums, ok: false, contentID: nil,
                mismatches: mismatches, remarks: archive.remarks)
        }
        let checkpoint = try input.open(file.path)
        return report(file, checkpoint, level: .checksums)
    }

    /// The records of an archive that do not match their CRC-32.
    func mismatches(in archive: ZipArchive, progress: any ProgressSink) throws -> [VerifyReport.Mismatch] {
        let start = archive.range.lowerBound
        archive.file.advise(.sequential)
        let counter = SharedProgress(progress, total: archive.bytes.count, label: "verifying")
        let found = try Parallel.map(archive.entries, finished: { counter.add($0.compressedSize) }) {
            entry -> VerifyReport.Mismatch? in
            do {
                try archive.verify(entry, allowMissingCRC: input.allowsMissingCRC)
                return nil
            } catch let error as UD2MError where [.zipChecksum, .zipInflateFailed].contains(error.code) {
                return VerifyReport.Mismatch(
                    tensor: nil, entry: entry.displayName, check: "crc32", begin: start + entry.payloadRange.lowerBound,
                    end: start + entry.payloadRange.upperBound)
            }
        }
        try archive.file.checkUnchanged()
        return found.compactMap(\.self)
    }

    private func report(
        _ file: MappedFile, _ checkpoint: Checkpoint, level: VerifyReport.Level, contentID: String? = nil,
        mismatches: [VerifyReport.Mismatch] = []
    ) -> VerifyReport {
        VerifyReport(
            path: file.path, container: checkpoint.container.rawValue, bytes: file.count, level: level,
            ok: mismatches.isEmpty, contentID: contentID, mismatches: mismatches, remarks: checkpoint.remarks)
    }
}
