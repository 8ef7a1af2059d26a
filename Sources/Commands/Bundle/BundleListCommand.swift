import ArgumentParser
import UD2MFormats
import UD2MLoRA

/// `ud2m bundle list`: the bundles of a folder.
struct BundleListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the bundles of a folder, and whether their bases are found.",
        discussion: """
            Reads headers only. Bases are looked for in the folder and in those that UD2M_PATH names, colons between \
            them. Files that cannot be opened are listed after the others and make the exit code 3.
            """)

    @Argument(help: "The folder.")
    var folder = "."

    @OptionGroup
    var reporting: OutputOptions

    func run() throws {
        let registry = try BundleRegistry(folder: folder, searchPath: BaseLocator.environmentPath)
        let report = BundleListReport(registry, folder: folder)
        if reporting.json {
            try JSONOutput.print(report)
        } else {
            try StandardOutput.print(report.text)
            for error in report.errors { StandardError.print("error: \(error)") }
        }
        if !report.failed.isEmpty { throw ExitCode(ExitCodes.partial) }
    }
}

/// The result of `ud2m bundle list` (`schemas/bundle-list.schema.json`).
struct BundleListReport: Encodable {
    struct Item: Encodable {
        struct Base: Encodable {
            let name: String
            let contentID: String
            /// Whether it is at hand: in the bundle, or in a file.
            let found: Bool
            /// Its file; nil when it is inside or not found.
            let path: String?
        }

        let path: String
        let contentID: String
        let name: String
        let title: String?
        let task: String
        let operatorName: String?
        let steps: Int
        let iterations: Int
        let sigma: Double?
        let flavour: String
        let form: String
        let ranks: [Int]
        let base: Base

        /// What stands for the operator in a table.
        let operatorText: String

        private enum CodingKeys: CodingKey {
            case path, contentID, name, title, task, operatorName, steps, iterations, sigma, flavour, form, ranks, base
        }

        init(_ bundle: TaskBundle, base store: WeightStore?) {
            let settings = bundle.manifest.settings
            let record = bundle.manifest.base
            path = bundle.path
            contentID = bundle.contentID
            name = settings.name
            title = settings.title
            task = settings.task
            operatorName = settings.operatorName
            steps = settings.steps
            iterations = settings.iterations
            sigma = settings.sigma
            flavour = settings.flavour.rawValue
            form = bundle.manifest.form.rawValue
            ranks = bundle.adapter.ranks
            base = Base(
                name: record.name, contentID: record.contentID,
                found: bundle.manifest.form == .fat || store != nil, path: store?.path)
            operatorText = settings.operatorText
        }
    }

    struct Failure: Encodable {
        let path: String
        let error: ErrorReport.Body
    }

    let tool = "ud2m bundle"
    let version = Version.current
    let folder: String
    /// Where bases were looked for.
    let searched: [String]
    let bundles: [Item]
    let failed: [Failure]

    /// What was wrong with the files that could not be opened.
    let errors: [UD2MError]

    private enum CodingKeys: CodingKey { case tool, version, folder, searched, bundles, failed }

    init(_ registry: BundleRegistry, folder: String) {
        self.folder = folder
        searched = registry.locator.folders
        var (bundles, failed, errors): ([Item], [Failure], [UD2MError]) = ([], [], [])
        for item in registry.items {
            switch item {
            case .bundle(let bundle, let base): bundles.append(Item(bundle, base: base))
            case .failed(let path, let error):
                failed.append(Failure(path: path, error: ErrorReport(error).error))
                errors.append(error)
            }
        }
        self.bundles = bundles
        self.failed = failed
        self.errors = errors
    }

    /// The report as a table for a person.
    var text: String {
        guard !bundles.isEmpty else { return "no bundles in \(folder.escapedForDisplay)" }
        var table = TextTable([.left, .left, .left, .right, .right, .left, .left])
        table.add("name", "task", "operator", "N·K", "sigma", "base", "file")
        for item in bundles {
            table.add(
                item.name.escapedForDisplay, item.task, item.operatorText, "\(item.steps)·\(item.iterations)",
                item.sigma.map { ReportNumber($0).text } ?? "-",
                "\(item.base.name.escapedForDisplay)\(item.base.found ? "" : " (not found)")",
                (item.path.split(separator: "/").last.map(String.init) ?? item.path).escapedForDisplay)
        }
        return table.lines.joined(separator: "\n")
    }
}
