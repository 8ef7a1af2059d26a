import UD2MConvert
import UD2MFormats
import UD2MLoRA

/// The work of `ud2m bundle create`.
struct BundleCreateRun {
    let source: String
    let base: String?
    let output: String?
    let settings: BundleSettingsFlags
    let ram: String?
    let dropsRAM: Bool
    let form: BundleManifest.Form
    let adapter: AdapterFlags
    let dryRun: Bool
    let overwrite: Bool
    let input: CheckpointInput

    /// Makes the bundle, or with `dryRun` checks everything that making it would.
    /// - Throws: ``UD2MFormats/UD2MError``.
    func execute(progress: any ProgressSink) throws -> BundleCreateReport {
        if let output, !dryRun {
            try OutputFile.requireWritable(output, overwrite: overwrite, inputs: inputs)
        }
        let contents = try BundleSource(source, adapter, input)
        let network = try openBase(contents)
        let binding = try bind(contents.adapter, to: network)
        let ram = try chosenRAM(contents)
        var guess = contents.guess
        if ram != nil { guess.usesRAM = guess.usesRAM ?? true }
        let (draft, operatorNotes) = try settings.draft(over: guess)
        let complete = try BundleSettings(draft, at: .init(file: source))
        let writer = try BundleWriter(
            binding, settings: complete, base: network.base, form: form, ram: ram?.network,
            lineage: try lineage(contents))
        var described = writer.adapter
        described.leftAside = contents.adapter.leftAside
        var report = BundleCreateReport(
            source: source, container: contents.container, network: network, writer: writer, adapter: described,
            dropped: contents.dropped + droppedRAM(contents),
            notes: contents.notes + contents.adapter.notes + operatorNotes + writer.notes
                + notes(complete, draft, hasRAM: ram != nil),
            output: output, dryRun: dryRun)
        guard let output, !dryRun else { return report }
        let summary = try writer.write(to: output, overwrite: overwrite, inputs: inputs + [network.path]) {
            done, total in
            progress.update(Double(done) / Double(max(total, 1)), label: "writing")
        }
        report.output.contentID = summary.contentID
        report.output.written = true
        return report
    }

    private var inputs: [String] {
        [source] + [base, ram, settings.settings].compactMap(\.self)
    }

    private func openBase(_ contents: BundleSource) throws -> BundleBaseInput {
        if let base { return try BundleBaseInput(base, input) }
        guard let bundle = contents.bundle else {
            throw UD2MError(
                .usage, "An adapter does not name its base.", at: .init(file: source),
                remedy: "Name the prior that it was trained on with --base.")
        }
        return try BundleBaseInput(
            BaseLocator.forBundle(source).store(of: bundle.manifest.base).path, input)
    }

    /// Holds the adapter against the base; of another base the error says which published models it fits.
    private func bind(_ adapter: Adapter, to network: BundleBaseInput) throws -> AdapterBinding {
        let binding = try AdapterBinding(adapter, to: network.network)
        do {
            try binding.requireComplete(base: network.path, allowUnmatched: false)
        } catch {
            throw Self.naming(adapter, error)
        }
        try binding.requireSameOriginals(base: network.path)
        return binding
    }

    private static func naming(_ adapter: Adapter, _ error: UD2MError) -> UD2MError {
        let models = ArchitectureRegistry.publishedModels.filter { $0.fits(adapter) }.map(\.name)
        var error = error
        error.remedy =
            models.isEmpty
            ? "Name the prior that it was trained on; its shapes fit none of the published models."
            : "Name the prior that it was trained on; its shapes fit \(models.joined(separator: ", "))."
        return error
    }

    // MARK: RAM

    /// The RAM network that goes in, and its file where it is another than the adapter's.
    private func chosenRAM(_ contents: BundleSource) throws -> (network: BundleWriter.RAM, path: String?)? {
        guard !dropsRAM else { return nil }
        if let ram { return (try BundleSource.ram(of: try input.open(ram), select: nil), ram) }
        return try contents.ram().map { ($0, nil) }
    }

    private func droppedRAM(_ contents: BundleSource) -> [TrainingRun.Dropped] {
        guard dropsRAM || ram != nil, let tensors = contents.ramTensors, !tensors.isEmpty else { return [] }
        return [
            .init(
                path: "RAM", tensors: tensors.count, bytes: tensors.reduce(0) { $0 + $1.byteCount },
                reason: ram == nil ? "Left out as asked for." : "Another RAM network was named.")
        ]
    }

    private func lineage(_ contents: BundleSource) throws -> [BundleManifest.Source] {
        var sources: [BundleManifest.Source] = contents.bundle?.manifest.lineage ?? []
        if contents.bundle == nil {
            sources.append(
                .init(role: .adapter, path: contents.file, sha256: try FileDigest.sha256(contents.file, input)))
        }
        if ram != nil || dropsRAM { sources.removeAll { $0.role == .ram } }
        if let ram {
            sources.append(.init(role: .ram, path: ram, sha256: try FileDigest.sha256(ram, input)))
        }
        if let path = settings.settings {
            sources.removeAll { $0.role == .settings }
            sources.append(.init(role: .settings, path: path, sha256: try FileDigest.sha256(path, input)))
        }
        return sources
    }

    /// What a person should know about what nobody said.
    private func notes(_ settings: BundleSettings, _ draft: BundleSettings.Draft, hasRAM: Bool) -> [String] {
        var notes: [String] = []
        var assumed: [String] = []
        if draft.steps == nil, draft.timesteps == nil { assumed.append("N = \(settings.steps)") }
        if draft.iterations == nil { assumed.append("K = \(settings.iterations)") }
        if draft.schedule == nil { assumed.append("the \(settings.schedule.rawValue) schedule") }
        if draft.eta == nil { assumed.append("η = \(ReportNumber(settings.eta).text)") }
        if !assumed.isEmpty {
            notes.append("Nothing says them, so these are taken: \(assumed.joined(separator: ", ")).")
        }
        if settings.sigma == nil { notes.append("The noise level is not known: pass --sigma to say it.") }
        if settings.usesRAM, !hasRAM {
            notes.append(
                "The run starts from a RAM network, whose weights are not in the bundle: pass --ram to add them.")
        }
        return notes
    }
}
