import ArgumentParser
import UD2MFormats
import UD2MLoRA

/// `ud2m bundle inspect`: what is in a bundle.
struct BundleInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Describe a bundle: task, sampler, adapter, base. Reads its header only.")

    @Argument(help: "The bundle.")
    var bundle: String

    @Flag(help: "List every tensor that the adapter changes.")
    var targets = false

    @OptionGroup
    var opening: OpeningOptions

    @OptionGroup
    var reporting: OutputOptions

    func run() throws {
        let input = opening.input
        let report = BundleInspectReport(try TaskBundle(path: bundle, limits: input.limits, access: input.access))
        if reporting.json { return try JSONOutput.print(report) }
        try StandardOutput.print(report.text(listsTargets: targets))
    }
}

/// The result of `ud2m bundle inspect` (`schemas/bundle-inspect.schema.json`).
struct BundleInspectReport: Encodable {
    /// Tensors of a network in the bundle.
    struct Network: Encodable {
        let tensors: Int
        let parameters: Int
        let bytes: Int

        init?(_ tensors: [TensorSource]) {
            guard !tensors.isEmpty else { return nil }
            self.tensors = tensors.count
            parameters = tensors.reduce(0) { $0.addedOrMaximum($1.elementCount) }
            bytes = tensors.reduce(0) { $0.addedOrMaximum($1.byteCount) }
        }
    }

    let tool = "ud2m bundle"
    let version = Version.current
    let path: String
    let bytes: Int
    let contentID: String
    let manifest: EncodableJSON
    let adapter: AdapterReport
    /// RAM's weights; nil where there are none.
    let ram: Network?
    /// The base's weights; nil in a thin bundle.
    let base: Network?

    private let described: BundleManifest

    private enum CodingKeys: CodingKey { case tool, version, path, bytes, contentID, manifest, adapter, ram, base }

    init(_ bundle: TaskBundle) {
        path = bundle.path
        bytes = bundle.store.safetensors.file.count
        contentID = bundle.contentID
        manifest = EncodableJSON(bundle.manifest.json)
        adapter = AdapterReport(bundle.adapter)
        ram = Network(bundle.ram)
        base = Network(bundle.base)
        described = bundle.manifest
    }

    /// The report as lines for a person.
    func text(listsTargets: Bool) -> String {
        let settings = described.settings
        var table = TextTable([.left, .left])
        table.add("name", settings.name.escapedForDisplay)
        if let title = settings.title { table.add("title", title.escapedForDisplay) }
        table.add("task", settings.task)
        table.add("operator", operatorText)
        table.add("noise", settings.sigmaText)
        table.add("sampler", samplerText)
        if !settings.scalars.isEmpty { table.add("trained", settings.scalars.text) }
        let network = ram.map { ", \(ByteText.grouped($0.parameters)) parameters here" } ?? ", weights not here"
        table.add("RAM", settings.usesRAM || ram != nil ? (settings.usesRAM ? "used" : "not used") + network : "none")
        let family = described.base.family.map { " (\($0))" } ?? ""
        table.add("base", "\(described.base.name.escapedForDisplay)\(family), \(baseText)")
        table.add("", described.base.contentID)
        table.add("content", contentID)
        for source in described.lineage {
            table.add("made from", "\(source.file.escapedForDisplay) (\(source.role.rawValue))")
        }
        var lines = [
            "\(path.escapedForDisplay): task-adapter bundle, \(described.form.rawValue), \(ByteText.size(bytes))"
        ]
        lines += table.lines.map { "  " + $0 }
        lines += adapter.headline.dropFirst()
        guard listsTargets else { return lines.joined(separator: "\n") }
        return (lines + adapter.targetLines).joined(separator: "\n")
    }

    private var operatorText: String {
        let settings = described.settings
        let form = settings.forwardOperator.flatMap { try? JSONValue.object($0).canonicalText() }
        let parts = [settings.operatorName, form].compactMap(\.self)
        return parts.isEmpty ? "unknown" : parts.joined(separator: " ").escapedForDisplay
    }

    private var samplerText: String {
        let settings = described.settings
        let grid = settings.timesteps.map { ", timesteps \($0.map(String.init).joined(separator: " "))" } ?? ""
        return "N = \(settings.steps), K = \(settings.iterations)\(grid), \(settings.schedule.rawValue) schedule, "
            + "\(settings.flavour.rawValue) steps, η \(ReportNumber(settings.eta).text)"
    }

    private var baseText: String {
        base.map { "\(ByteText.grouped($0.parameters)) parameters here" } ?? "not in the bundle"
    }
}

extension HQSScalars {
    /// "sp 0.1, lambdaSigma -0.3", those that are there.
    fileprivate var text: String {
        [("sp", sp), ("lambdaSigma", lambdaSigma), ("tAug", tAug), ("tLat", tLat)].compactMap { name, value in
            value.map { "\(name) \(ReportNumber($0).text)" }
        }.joined(separator: ", ")
    }
}
