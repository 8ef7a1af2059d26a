import ArgumentParser
import UD2MFormats

/// `ud2m-convert diff`: whether two checkpoints hold the same weights.
struct DiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compare two checkpoints: names, shapes, types, then values.",
        discussion: """
            Containers, prefixes of wrappers and the order of tensors do not matter. Numbers are compared exactly, \
            64-bit integers too; zeros of either sign are equal, and so are two NaNs, but a NaN equals no number. \
            Exits with 0 when equal and 1 when not.
            """)

    @Argument(help: "A checkpoint.")
    var a: String

    @Argument(help: "Another.")
    var b: String

    @Flag(help: "Compare structure only: names, shapes and types.")
    var structure = false

    @Flag(help: "Compare values only; types may differ.")
    var values = false

    @Option(help: "Largest distance of two numbers that counts as equal.")
    var tolerance = 0.0

    @Option(help: ArgumentHelp("State dict to compare; the one that stands out unless given.", valueName: "path"))
    var select: String?

    @Flag(name: .customLong("keep-prefix"), help: "Compare names as they are in the files.")
    var keepPrefix = false

    @OptionGroup
    var names: NameFilterFlags

    @OptionGroup
    var reading: InputOptions

    @OptionGroup
    var reporting: OutputOptions

    func validate() throws {
        guard !(structure && values) else { throw ValidationError("--structure and --values exclude each other.") }
        guard tolerance >= 0 else { throw ValidationError("--tolerance must not be negative.") }
    }

    func run() throws {
        let progress = reporting.makeProgress()
        let result = try DiffRun(
            select: select, keepsPrefix: keepPrefix, filter: names.filter, comparesStructure: !values,
            comparesValues: !structure, tolerance: tolerance, input: reading.input
        ).execute(a, b, progress: progress)
        progress.finish()
        let report = result.report
        if reporting.json {
            try JSONOutput.print(report)
        } else {
            if !(reporting.quiet && report.equal) { try StandardOutput.print(report.text) }
            for rest in result.rests { rest.warn(quiet: reporting.quiet) }
            result.patterns.warn()
        }
        if !report.equal { throw ExitCode(ExitCodes.negative) }
    }
}
