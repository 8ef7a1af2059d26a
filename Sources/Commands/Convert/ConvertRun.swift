import UD2MConvert
import UD2MFormats

/// The work of `ud2m-convert convert`.
struct ConvertRun {
    let input: String
    let output: String?
    let select: String?
    let detection: DetectionOptions
    /// The file with the linear layers of LPIPS, when the checkpoint is their trunk.
    let lpipsLinear: String?
    let allowUnmapped: Bool
    /// Whether the network may lack tensors.
    let partial: Bool
    /// Which tensors it may lack.
    let absence: AllowedAbsence
    /// Whether the store records the SHA-256 of the files it was made from.
    let recordsDigest: Bool
    let options: Converter.Options
    let dryRun: Bool
    let overwrite: Bool
    let opening: CheckpointInput

    /// Converts, or with `dryRun` plans.
    ///
    /// A dry run reports mismatches in its result; a real run throws on them before anything is written.
    /// - Throws: ``UD2MFormats/UD2MError``.
    func execute(progress: any ProgressSink) throws -> ConvertReport {
        if let output, !dryRun { try OutputFile.requireWritable(output, overwrite: overwrite) }
        let checkpoint = try openInputs()
        let plan = try makePlan(checkpoint)
        try detection.requireApplicable(to: plan.choice.architecture)
        if dryRun, plan.choice.architecture.undecided == nil {
            try plan.requireConstants()
        } else {
            // What is undecided leaves no store to plan, but a damaged file is told that first.
            try plan.requireComplete(allowUnmapped: allowUnmapped, partial: partial, absence: absence)
        }
        var options = options
        options.otherInputs = [lpipsLinear].compactMap { $0 }
        if recordsDigest { options.sourceDigests = try sourceDigests(plan.checkpoint) }
        let converter = try Converter(plan: plan, options: options, toolVersion: Version.current)
        guard let output, !dryRun else { return report(plan, converter, contentID: nil) }
        let summary = try converter.write(to: output, overwrite: overwrite) { done, total in
            progress.update(Double(done) / Double(max(total, 1)), label: "converting")
        }
        return report(plan, converter, contentID: summary.contentID)
    }

    /// The checkpoint, with the linear layers of another file if asked for.
    private func openInputs() throws -> Checkpoint {
        let checkpoint = try opening.open(input)
        guard let lpipsLinear else { return checkpoint }
        let linear = try opening.open(lpipsLinear)
        return try LPIPSInputs.joining(trunk: checkpoint, linear: linear, select: select)
    }

    /// Matches the tensors; what detection says is said with the checkpoint's name.
    private func makePlan(_ checkpoint: Checkpoint) throws -> ConversionPlan {
        do {
            return try ConversionPlan(
                checkpoint: checkpoint, select: lpipsLinear == nil ? select : nil, options: detection)
        } catch let error as UD2MError {
            throw error.located(in: .init(file: input))
        }
    }

    /// SHA-256 of the checkpoint's file and of the one with the linear layers; zeros in a dry run, which reads no data.
    /// - Throws: `source-hash` when the checkpoint is more than one file.
    private func sourceDigests(_ checkpoint: Checkpoint) throws -> [String] {
        guard ![.sharded, .distributed].contains(checkpoint.container) else {
            throw UD2MError(
                .sourceHash, "The checkpoint is several files, which have no digest in common.",
                at: .init(file: checkpoint.path), remedy: "Leave out --source-hash.")
        }
        return try ([checkpoint.path] + [lpipsLinear].compactMap { $0 }).map { path in
            guard !dryRun else { return String(repeating: "0", count: 64) }
            let file = try MappedFile(path: path, access: opening.access)
            var hash = try SHA256()
            try file.stream(0..<file.count, pieceBytes: 1 << 20) { try hash.update($0) }
            return try hash.finish()
        }
    }

    private func report(_ plan: ConversionPlan, _ converter: Converter, contentID: String?) -> ConvertReport {
        let architecture = plan.choice.architecture
        let writer = converter.writer
        return ConvertReport(
            input: .init(
                path: input, container: plan.checkpoint.container.rawValue, bytes: plan.checkpoint.fileSize,
                state: plan.choice.stateDict.displayPath, prefix: plan.choice.prefix,
                otherStates: plan.checkpoint.stateDicts.map(\.displayPath).filter {
                    $0 != plan.choice.stateDict.displayPath
                }, looseTensors: plan.checkpoint.looseTensorPaths(besides: plan.choice.stateDict)),
            architecture: .init(architecture),
            tensors: writer.plan.rows.map { row in
                .init(
                    name: row.name.text, dtype: row.elementType.rawValue, shape: row.shape,
                    bytes: row.dataRange.count, offset: writer.dataStart + row.dataRange.lowerBound)
            },
            missing: plan.missing.map(\.name.text), allowedMissing: plan.allowedMissing(absence).map(\.text),
            misshapen: plan.misshapen.map { .init(name: $0.name.text, expected: $0.expected, found: $0.found) },
            unmapped: plan.unmapped.map(\.text),
            leftOut: plan.leftOut.map { .init(tensors: $0.names.map(\.text), reason: $0.reason) },
            closest: plan.isComplete ? nil : plan.closest.map { .init($0) },
            skipped: plan.checkpoint.skipped.map { .init(path: $0.path, reason: $0.reason) },
            findings: plan.checkpoint.findings.map { .init($0) },
            losses: converter.ledger.reports,
            notFinite: converter.ledger.notFinite.map { .init(name: $0.name.text, count: $0.count) },
            notes: plan.checkpoint.remarks + architecture.notes
                + [doubleNote(writer), sparseNote(plan), TensorAliases.remark(on: plan.mapped)].compactMap(\.self),
            output: .init(
                path: output, bytes: writer.fileSize, contentID: contentID, written: contentID != nil),
            dryRun: dryRun)
    }

    /// What to say of sparse tensors in the state dict, which no network reads.
    private func sparseNote(_ plan: ConversionPlan) -> String? {
        let sparse = plan.choice.tensors.sparseTensors.map { SparseReport($0) }
        guard let first = sparse.first else { return nil }
        let more = sparse.count > 1 ? ", and \(sparse.count - 1) more" : ""
        return "Sparse tensors are read as their parts, which are no weights of a network; ud2m-convert export "
            + "--densify makes whole ones: \(first.text)\(more)"
    }

    /// What to say of weights in double precision, which nothing here computes in.
    private func doubleNote(_ writer: WeightStoreWriter) -> String? {
        let count = writer.plan.rows.count { $0.elementType == .f64 }
        guard count > 0 else { return nil }
        return "\(count) tensors are in double precision. Networks compute in single precision and hold a second copy "
            + "of these in memory; --dtype f32 makes a store of half the size that needs none."
    }
}

extension ConvertReport.Architecture {
    init(_ detected: DetectedArchitecture) {
        self.init(
            family: detected.family, summary: detected.summary, parameters: detected.publishedParameterCount,
            evidence: detected.evidence)
    }
}

extension ConvertReport {
    /// Whether a real run would write the store.
    func isConvertible(allowUnmapped: Bool, partial: Bool) -> Bool {
        let isWhole = missing.count == allowedMissing.count && misshapen.isEmpty
        return (partial && !tensors.isEmpty || isWhole) && (allowUnmapped || unmapped.isEmpty)
    }

    /// Says on standard error which tensors hold NaN or infinity.
    func warnOfNotFinite() {
        guard let text = notFiniteText else { return }
        StandardError.print("warning: \(text), and so will be what the network gives; ud2m-convert stat shows where")
    }

    /// "12 numbers of 2 tensors are NaN or infinite: a.weight (10), b.bias (2)"; at most five names.
    private var notFiniteText: String? {
        guard !notFinite.isEmpty else { return nil }
        let shown = notFinite.prefix(5).map { "\($0.name.escapedForDisplay) (\(ByteText.grouped($0.count)))" }
        let rest = notFinite.count > 5 ? ", …" : ""
        let total = ByteText.grouped(notFinite.reduce(0) { $0 + $1.count })
        return "\(total) numbers of \(notFinite.count) tensors are NaN or infinite: "
            + shown.joined(separator: ", ") + rest
    }

    /// Says on standard error what a partial store lacks, and what is flagged.
    func warnOfAbsence() {
        if !missing.isEmpty || !misshapen.isEmpty {
            StandardError.print(
                "warning: the network lacks \(missing.count) tensors and \(misshapen.count) have another shape; "
                    + "a store without them does not run")
        }
        let flagged = findings.filter { $0.severity != PickleFinding.Severity.note.rawValue }
        if let first = flagged.first {
            StandardError.print(
                "warning: the pickle is flagged, \(flagged.count) findings, first "
                    + "\(first.summary.escapedForDisplay) See ud2m-convert scan.")
        }
    }

    /// The report as a few lines for a person.
    var summary: String {
        var lines = [
            "\(input.path.escapedForDisplay): \(input.container), \(ByteText.size(input.bytes)), "
                + "state dict \(input.state.escapedForDisplay)\(prefixNote)",
            "  \(architecture.summary)",
            "  \(tensors.count) tensors, \(ByteText.grouped(architecture.parameters)) parameters, \(typeSummary)",
            "  \(architecture.evidence.last ?? "")",
        ]
        if !input.otherStates.isEmpty {
            let others = input.otherStates.map(\.escapedForDisplay).joined(separator: ", ")
            lines.append("  also in the file: \(others)")
        }
        if let first = input.looseTensors.first {
            lines.append(
                "  also \(input.looseTensors.count) tensors in no state dict, first "
                    + first.joined(separator: ".").escapedForDisplay)
        }
        if !skipped.isEmpty { lines.append("  \(skipped.count) tensors could not be delivered") }
        lines += leftOut.map { "  left out \($0.tensors.count): \($0.reason)" }
        lines += notes.map { "  note: \($0.escapedForDisplay)" }
        for (label, names) in [
            ("missing", missing), ("wrong shape", misshapen.map(\.name)), ("not part of the network", unmapped),
        ] where !names.isEmpty {
            let shown = names.prefix(10).map(\.escapedForDisplay).joined(separator: ", ")
            lines.append("  \(names.count) \(label): \(shown)")
        }
        if let notFiniteText { lines.append("  \(notFiniteText)") }
        if let closest { lines.append("  closest known network: \(closest.text)") }
        let destination = output.path?.escapedForDisplay ?? "the store"
        if let contentID = output.contentID {
            lines.append("wrote \(destination), \(ByteText.size(output.bytes)), content \(contentID)")
        } else {
            lines.append("dry run: \(destination) would take \(ByteText.size(output.bytes))")
        }
        return lines.joined(separator: "\n")
    }

    private var prefixNote: String {
        input.prefix.isEmpty ? "" : ", without its prefix \(input.prefix.escapedForDisplay)"
    }

    /// "all F32", or "202 F16, 48 F32".
    private var typeSummary: String {
        let counts = Dictionary(grouping: tensors, by: \.dtype).mapValues(\.count).sorted { $0.key < $1.key }
        if counts.count == 1, let only = counts.first { return "all \(only.key)" }
        return counts.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }
}

extension UD2MError.Code {
    /// The digest of a checkpoint that is more than one file was asked for.
    static let sourceHash = UD2MError.Code("source-hash", .usage)
}
