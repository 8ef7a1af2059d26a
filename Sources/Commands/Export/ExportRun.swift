import UD2MConvert
import UD2MFormats

/// The work of `ud2m-convert export` and `cast`.
struct ExportRun {
    let input: String
    let output: String
    let select: String?
    let keepsPrefix: Bool
    let filter: NameFilter
    let options: Exporter.Options
    let dryRun: Bool
    let overwrite: Bool
    let opening: CheckpointInput

    /// Writes the state dict, or plans: with `dryRun`, and when a pattern matches nothing.
    /// - Throws: ``UD2MFormats/UD2MError``.
    func execute(
        progress: any ProgressSink
    ) throws -> SelectedReport<ExportReport> {
        let checkpoint = try opening.open(input)
        let whole = try StateDictSelection.required(in: checkpoint, select: select, keepsPrefix: keepsPrefix)
        let rest = CheckpointRest(of: checkpoint, besides: whole)
        let patterns = filter.outcome(among: whole.tensors.map(\.name))
        let selection = whole.keeping { filter.accepts($0.name) }
        let isPlan = dryRun || patterns.isNegative
        let exporter = try Exporter(checkpoint: checkpoint, selection: selection, options: options)
        let files = try exporter.files(at: output)
        let removed = try exporter.leftovers(at: output)
        var contentID: String?
        if !isPlan {
            let folder = options.format == .sharded ? try files.first.map { try OutputFolder(of: $0.path) } : nil
            // What goes with an earlier set is an output like any other: kept unless asked, and never an input.
            for path in files.map(\.path) + removed {
                try OutputFile.requireWritable(path, overwrite: overwrite, inputs: [input])
            }
            contentID = try exporter.write(to: output, overwrite: overwrite) { done, total in
                progress.update(Double(done) / Double(max(total, 1)), label: "writing")
            }
            folder?.keep()
        }
        let report = ExportReport(
            input: .init(
                path: input, container: checkpoint.container.rawValue, state: selection.stateDict.path,
                prefix: selection.prefix),
            format: options.format.rawValue,
            tensors: exporter.tensors.map {
                .init(
                    name: $0.name.text, dtype: $0.elementType.reportName, shape: $0.shape,
                    bytes: $0.elementType.byteCount(shape: $0.shape) ?? 0)
            },
            aliases: Dictionary(
                exporter.aliases.map { ($0.key.text, $0.value.text) }, uniquingKeysWith: { first, _ in first }),
            files: files.map { .init(path: $0.path, bytes: $0.bytes) }, removed: removed, contentID: contentID,
            kept: exporter.kept.map {
                .init(reason: $0.reason.rawValue, count: $0.names.count, tensors: $0.names.map(\.text))
            },
            losses: exporter.ledger.reports, retyped: exporter.retyped.map { .init($0) },
            sparseParts: exporter.sparseParts.map { .init($0) },
            unmatchedPatterns: patterns.unmatched, skipped: rest.skipped,
            otherStateDicts: rest.otherStateDicts, looseTensors: rest.looseTensors,
            remarks: rest.remarks + [TensorAliases.remark(on: selection.tensors)].compactMap(\.self), dryRun: dryRun,
            written: !isPlan)
        return SelectedReport(report: report, rest: rest, patterns: patterns)
    }
}
