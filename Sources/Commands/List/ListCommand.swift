import ArgumentParser
import UD2MFormats

/// `ud2m-convert ls`: the tensors of a checkpoint.
struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the tensors of a checkpoint's state dict.",
        discussion: """
            Only headers are read. Where several state dicts are equally plausible, name one with --select. What else \
            the file holds is said on standard error.
            """)

    @Argument(help: "The checkpoint; - is standard input.")
    var file: String

    @Option(help: ArgumentHelp("State dict to list; the one that stands out unless given.", valueName: "path"))
    var select: String?

    @Flag(name: .customLong("keep-prefix"), help: "Show names as they are in the file, wrappers' prefixes included.")
    var keepPrefix = false

    @OptionGroup
    var names: NameFilterFlags

    @Option(help: "Order: file, name or size.")
    var sort: ListRun.Order = .file

    @Flag(help: "Show names as a tree, alike numbered blocks folded.")
    var tree = false

    @Option(help: "Levels of the tree to show.")
    var depth = 64

    @OptionGroup
    var opening: OpeningOptions

    @OptionGroup
    var reporting: OutputOptions

    func validate() throws {
        guard depth > 0 else { throw ValidationError("--depth must be at least 1.") }
    }

    func run() throws {
        let (report, rest, patterns) = try ListRun(
            select: select, keepsPrefix: keepPrefix, filter: names.filter, order: sort, input: opening.input
        ).execute(file)
        if reporting.json {
            try JSONOutput.print(report)
        } else {
            try printText(report)
            rest.warn(quiet: reporting.quiet)
            patterns.warn()
        }
        try patterns.requireMatch()
    }

    private func printText(_ report: ListReport) throws {
        let lines = tree ? TensorTree(report.tensors).lines(depth: depth) : report.table
        if !lines.isEmpty { try StandardOutput.print(lines.joined(separator: "\n")) }
        if !reporting.quiet {
            let totals = report.totals
            try StandardOutput.print(
                "\(totals.tensors) tensors, \(ByteText.grouped(totals.elements)) elements, \(ByteText.size(totals.bytes))"
            )
        }
    }
}

extension ListReport {
    /// A line for each tensor.
    fileprivate var table: [String] {
        var table = TextTable([.right, .left, .right, .left])
        for tensor in tensors {
            table.add(
                ByteText.size(tensor.bytes), tensor.dtype, tensor.shape.shapeText, tensor.name.escapedForDisplay)
        }
        return table.lines
    }
}
