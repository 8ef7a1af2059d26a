import UD2MFormats

extension VerifyRun {
    /// Checks every shard that an index names, then the index against them.
    func verifyShards(_ index: String, _ shards: [String], progress: any ProgressSink) throws -> VerifyReport {
        let indexFile = try MappedFile(path: index, access: input.access)
        var levels: [VerifyReport.Level] = []
        var files = [VerifyReport.File(path: index, container: "index", bytes: indexFile.count)]
        for shard in shards {
            files.append(
                .init(checking: shard) {
                    let report = try verifyFile(shard, progress: progress)
                    levels.append(report.level)
                    return .init(
                        path: shard, container: report.container, bytes: report.bytes, mismatches: report.mismatches)
                })
        }
        return try report(index, .sharded, files, level: levels.min() ?? .structure)
    }

    /// Checks every archive in the files of a distributed checkpoint, then the metadata against them.
    func verifyDistributed(
        _ folder: String, metadata: String, _ parts: [CheckpointFiles.Archives], progress: any ProgressSink
    ) throws -> VerifyReport {
        let metadataFile = try MappedFile(path: metadata, access: input.access)
        var files = [VerifyReport.File(path: metadata, container: "metadata", bytes: metadataFile.count)]
        for part in parts {
            files.append(
                .init(checking: part.path) {
                    let file = try MappedFile(path: part.path, access: input.access)
                    let found = try part.ranges.flatMap { range in
                        let archive = try ZipArchive(file: file, range: range)
                        return shallow ? [] : try mismatches(in: archive, progress: progress)
                    }
                    return .init(path: part.path, container: "distcp", bytes: file.count, mismatches: found)
                })
        }
        return try report(folder, .distributed, files, level: shallow ? .structure : .checksums)
    }

    /// The report on files together; only if all are sound is the checkpoint opened over them.
    private func report(
        _ path: String, _ container: ContainerKind, _ files: [VerifyReport.File], level: VerifyReport.Level
    ) throws -> VerifyReport {
        let ok = files.allSatisfy(\.ok)
        let checkpoint = ok ? try input.open(path) : nil
        return VerifyReport(
            path: path, container: container.rawValue, bytes: files.reduce(0) { $0 + ($1.bytes ?? 0) }, level: level,
            ok: ok, contentID: nil, mismatches: [], files: files, remarks: checkpoint?.remarks ?? [])
    }
}

extension VerifyReport.File {
    /// A file that was read.
    fileprivate init(path: String, container: String, bytes: Int, mismatches: [VerifyReport.Mismatch] = []) {
        self.init(
            path: path, container: container, bytes: bytes, ok: mismatches.isEmpty, mismatches: mismatches, error: nil)
    }

    /// What a check finds; a file that is missing or unsound is a finding, since the others are to be checked as well.
    fileprivate init(checking path: String, _ check: () throws -> Self) {
        do {
            self = try check()
        } catch {
            let failure = error as? UD2MError ?? UD2MError(.unexpected, "This is a bug: \(error)")
            self.init(
                path: path, container: nil, bytes: nil, ok: false, mismatches: [], error: ErrorReport(failure).error)
        }
    }
}
