import UD2MConvert
import UD2MFormats

/// The work of `ud2m-convert export` and `cast`.
struct ExportRun {
    let input: String
    let output: String
    let select: String?
    let keepsPrefix: Bool
    let options: Exporter.Options
    let dryRun: Bool
    let overwrite: Bool
    let access: FileAccess

    /// Writes the state dict, or with `dryRun` plans.
    /// - Throws: ``UD2MFormats/UD2MError``.
    func execute(progress: any ProgressSink) throws -> ExportReport {
        let checkpoint = try InputCheckpoint.named(input, access: access)
        try checkpoint.requireSafe()
        let selection = try StateDictSelection.required(in: checkpoint, select: select, keepsPrefix: keepsPrefix)
        let exporter = try Exporter(checkpoint: checkpoint, selection: selection, options: options)
        let files = try exporter.files(at: output)
        if !dryRun {
            for file in files { try OutputFile.requireWritable(file.path, overwrite: overwrite) }
        }
        let contentID =
            dryRun
            ? nil
            : try exporter.write(to: output, overwrite: overwrite) { done, total in
                progress.update(Double(done) / Double(max(total, 1)), label: "writing")
            }
        return ExportReport(
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
            files: files.map { .init(path: $0.path, bytes: $0.bytes) }, contentID: contentID,
            losses: exporter.ledger.reports, dryRun: dryRun, written: !dryRun)
    }
}
