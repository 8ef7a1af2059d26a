import UD2MFormats
import UD2MLoRA

/// The work of `ud2m bundle extract`.
struct BundleExtractRun {
    let bundle: TaskBundle
    let command: BundleExtractCommand

    /// Checks every output, then writes one after another.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `bundle-part-missing` for what the bundle does not hold.
    func execute() throws -> BundleExtractReport {
        var report = BundleExtractReport(bundle: bundle.path, dryRun: command.dryRun)
        let conversion = try command.adapter.map { _ in try convertedAdapter(&report) }
        let ram = try command.ram.map { _ in try network(bundle.ram, bundle.manifest.ram.map { .ram($0) }, "RAM") }
        let prior = try command.prior.map { _ in
            try network(bundle.base, bundle.manifest.base.architecture, "the prior", aliases: bundle.baseAliases)
        }
        if !command.dryRun {
            // PEFT's folder is checked when it is written; all else before anything is.
            for path in [
                command.ram, command.settings, command.prior, conversion?.configuration == nil ? command.adapter : nil,
            ] {
                if let path { try OutputFile.requireWritable(path, overwrite: command.force, inputs: [bundle.path]) }
            }
        }
        if let conversion {
            let files = AdapterFiles(path: command.adapter, dryRun: command.dryRun, overwrite: command.force)
            report.files += try files.write(conversion, inputs: [bundle.path] + [command.base].compactMap(\.self)).map {
                .init(part: .adapter, path: $0.path, bytes: $0.bytes)
            }
        }
        for (part, path, writer) in [
            (BundleExtractReport.Part.ram, command.ram, ram), (.prior, command.prior, prior),
        ] {
            guard let path, let writer else { continue }
            if !command.dryRun {
                _ = try writer.write(to: path, overwrite: command.force, inputs: [bundle.path])
            }
            report.files.append(.init(part: part, path: path, bytes: writer.fileSize))
        }
        if let path = command.settings {
            let text = Array((try bundle.manifest.settings.json.canonicalText() + "\n").utf8)
            if !command.dryRun {
                let file = try AtomicFile(
                    path: path, byteCount: text.count, overwrite: command.force, inputs: [bundle.path])
                try text.withUnsafeBytes { try file.write($0, at: 0) }
                try file.commit()
            }
            report.files.append(.init(part: .settings, path: path, bytes: text.count))
        }
        return report
    }

    private func convertedAdapter(_ report: inout BundleExtractReport) throws -> AdapterConversion {
        try bundle.requireFinite()
        var options = AdapterConversion.Options(convention: command.convention)
        options.foldsScale = command.foldScale
        options.dropsOthers = command.dropOthers
        let conversion = try AdapterConversion(bundle.adapter, options: options, base: layers())
        report.leftOut = conversion.leftOutReports
        report.notes += conversion.notes
        return conversion
    }

    /// The prior's tensors, for the dimensions of its layers; nil when it is not at hand.
    private func layers() throws -> AdapterBase? {
        if command.base == nil, !bundle.base.isEmpty { return AdapterBase(path: bundle.path, tensors: bundle.base) }
        let locator = BaseLocator.forBundle(bundle.path)
        let record = bundle.manifest.base
        let store =
            command.base == nil
            ? locator.store(contentID: record.contentID) : try locator.store(of: record, named: command.base)
        return try store.map {
            AdapterBase(path: $0.path, tensors: try $0.safetensors.checkpoint().stateDicts.flatMap(\.tensors))
        }
    }

    private func network(
        _ tensors: [TensorSource], _ architecture: ArchitectureConfiguration?, _ name: String,
        aliases: [TensorName: TensorName] = [:]
    ) throws -> WeightStoreWriter {
        guard !tensors.isEmpty else {
            throw UD2MError(.bundlePartMissing, "The bundle does not hold \(name).", at: .init(file: bundle.path))
        }
        var step = JSONObject()
        step["op"] = "bundle-extract"
        step["base"] = .string(bundle.contentID)
        return try WeightStoreWriter(
            tensors: tensors.filter { aliases[$0.name] == nil }.map { TensorInput($0) }, aliases: aliases,
            information: StoreMetadata(architecture: architecture, lineage: [.object(step)]))
    }
}

/// The result of `ud2m bundle extract` (`schemas/bundle-extract.schema.json`).
struct BundleExtractReport: Encodable {
    /// What a file is.
    enum Part: String, Encodable {
        case adapter
        case ram
        case prior
        case settings
    }

    struct File: Encodable {
        let part: Part
        let path: String
        let bytes: Int
    }

    let tool = "ud2m bundle"
    let version = Version.current
    let bundle: String
    var files: [File] = []
    /// Changes that the convention cannot hold.
    var leftOut: [AdapterLeftOut] = []
    var notes: [String] = []
    let dryRun: Bool

    private enum CodingKeys: CodingKey { case tool, version, bundle, files, leftOut, notes, dryRun }

    init(bundle: String, dryRun: Bool) {
        self.bundle = bundle
        self.dryRun = dryRun
    }

    /// The report as lines for a person.
    var text: String {
        var lines = leftOut.map { "left out: \($0.tensor.escapedForDisplay). \($0.reason)" }
        lines += files.map {
            "\(dryRun ? "would write" : "wrote") \($0.path.escapedForDisplay), \(ByteText.size($0.bytes)): \($0.part.rawValue)"
        }
        return lines.joined(separator: "\n")
    }
}
