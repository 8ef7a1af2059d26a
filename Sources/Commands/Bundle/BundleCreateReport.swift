import UD2MFormats
import UD2MLoRA

/// The result of `ud2m bundle create` (`schemas/bundle-create.schema.json`).
struct BundleCreateReport: Encodable {
    struct Base: Encodable {
        let path: String
        let contentID: String
        let name: String
    }

    /// A part of the source that is left out.
    struct Dropped: Encodable {
        let path: String
        let tensors: Int
        let bytes: Int
        let reason: String
    }

    struct Output: Encodable {
        /// Nil in a dry run without a path.
        let path: String?
        let bytes: Int
        /// Nil until it is written.
        var contentID: String?
        var written: Bool
    }

    let tool = "ud2m bundle"
    let version = Version.current
    let source: String
    let container: String
    let base: Base
    /// What the bundle says about itself.
    let manifest: EncodableJSON
    /// Its adapter, under the base's names.
    let adapter: AdapterReport
    let dropped: [Dropped]
    let notes: [String]
    var output: Output
    let dryRun: Bool

    private let settings: BundleSettings
    private let form: BundleManifest.Form

    private enum CodingKeys: CodingKey {
        case tool, version, source, container, base, manifest, adapter, dropped, notes, output, dryRun
    }

    init(
        source: String, container: String, network: BundleBaseInput, writer: BundleWriter, adapter: Adapter,
        dropped: [TrainingRun.Dropped], notes: [String], output: String?, dryRun: Bool
    ) {
        self.source = source
        self.container = container
        let record = writer.manifest.base
        base = Base(path: network.path, contentID: record.contentID, name: record.name)
        manifest = EncodableJSON(writer.manifest.json)
        self.adapter = AdapterReport(adapter)
        self.dropped = dropped.map {
            Dropped(path: $0.path, tensors: $0.tensors, bytes: $0.bytes, reason: $0.reason)
        }
        self.notes = notes
        self.output = Output(path: output, bytes: writer.writer.fileSize, contentID: nil, written: false)
        self.dryRun = dryRun
        settings = writer.manifest.settings
        form = writer.manifest.form
    }

    /// The report as lines for a person.
    var text: String {
        var lines = adapter.headline
        for item in adapter.leftAside {
            lines.append("  \(item.tensors.count) tensors left aside: \(item.reason)")
        }
        lines += dropped.map {
            "  left out \($0.path.escapedForDisplay): \($0.tensors) tensors, \(ByteText.size($0.bytes)). \($0.reason)"
        }
        lines.append(settings.line)
        lines.append("  base \(base.name.escapedForDisplay), content \(base.contentID)")
        let path = output.path.map { $0.escapedForDisplay } ?? "the bundle"
        lines.append(
            output.written
                ? "wrote \(path), \(form.rawValue), \(ByteText.size(output.bytes)), content \(output.contentID ?? "")"
                : "dry run: \(path) would take \(ByteText.size(output.bytes)), \(form.rawValue)")
        return lines.joined(separator: "\n")
    }
}

extension BundleSettings {
    /// "imagenet-sr-bicubic: sr, bicubic, N·K = 3·3, σ 0.025, linear, reference steps, with RAM".
    var line: String {
        var parts = [task, operatorText, "N·K = \(steps)·\(iterations)", "σ \(sigmaText)", schedule.rawValue]
        parts.append("\(flavour.rawValue) steps")
        if usesRAM { parts.append("starts from RAM") }
        return "\(name.escapedForDisplay): \(parts.joined(separator: ", "))"
    }

    /// The operator's word, its kernel where it has no word, or "-".
    var operatorText: String {
        if let operatorName { return operatorName.escapedForDisplay }
        guard case .object(let kernel)? = forwardOperator?["kernel"], case .string(let kind)? = kernel["kind"] else {
            return "-"
        }
        return kind.escapedForDisplay
    }

    /// The noise level, or "unknown".
    var sigmaText: String { sigma.map { ReportNumber($0).text } ?? "unknown" }
}
