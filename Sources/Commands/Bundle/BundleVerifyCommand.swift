import ArgumentParser
import UD2MFormats
import UD2MLoRA

/// `ud2m bundle verify`: whether bundles are whole and belong to their base.
struct BundleVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract:
            "Check bundles: structure, checksums, numbers, RAM's tensors, and the base. Exits with 1 if one fails.",
        discussion: """
            The base of a thin bundle is --base, or the store with the right content id in the bundle's folder or in \
            those that UD2M_PATH names, colons between them. A base that is not found is no failure unless it is required.
            """)

    @Argument(help: "Bundles, or patterns.")
    var bundles: [String]

    @Option(help: "The prior that the bundles must belong to, a .ud2w file.")
    var base: String?

    @Flag(name: .customLong("require-base"), help: "Fail where the base is not found.")
    var requireBase = false

    @Flag(help: "Compute SHA-256 as well.")
    var deep = false

    @OptionGroup
    var opening: OpeningOptions

    @OptionGroup
    var reporting: OutputOptions

    func run() throws {
        let progress = reporting.makeProgress()
        let run = BundleVerifyRun(base: base, requiresBase: requireBase, deep: deep, input: opening.input)
        let batch = try Batch(try InputPaths(bundles)) { try run.execute($0, progress: progress) }
        progress.finish()
        if reporting.json {
            try batch.printJSON()
        } else {
            try batch.printText { $0.ok && reporting.quiet ? "" : $0.text }
        }
        try batch.requireSuccess { $0.ok ? ExitCodes.success : ExitCodes.negative }
    }
}
