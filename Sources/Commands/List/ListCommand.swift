import ArgumentParser
import UD2MFormats

/// `ud2m-convert ls`: the tensors of a checkpoint.
struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the tensors of checkpoints' state dicts.",
        discussion: """
            Only headers are read. Where several state dicts are equally plausible, name one with --select. What else \
            the file holds is said on standard error.
            """)

    @Argument(help: "Checkpoints or patterns; - is standard input.")
    var files: [String]

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
        let run = ListRun(
            select: select, keepsPrefix: keepPrefix, filter: names.filter, order: sort, input: opening.input)
        let batch = try Batch(try InputPaths(files)) { try run.execute($0) }
        if reporting.json {
            try batch.printJSON()
        } else {
            try batch.printText { text($0.report, isSingle: batch.isSingle) }
            for item in batch.reports { item.warn(quiet: reporting.quiet) }
        }
        try batch.requireSuccess { $0.exitCode }
    }

    private func text(_ report: ListReport, isSingle: Bool) -> String {
        var lines = isSingle ? [] : ["\(report.path.escapedForDisplay):"]
        lines += tree ? TensorTree(report.tensors).lines(depth: depth) : report.table
        if !reporting.quiet {
            lines += report.sparse.lines
            let totals = report.totals
            lines.append(
                "\(totals.tensors) tensors, \(ByteText.grouped(totals.elements)) elements, \(ByteText.size(totals.bytes))"
            )
        }
        return lines.joined(separator: "\n")
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
