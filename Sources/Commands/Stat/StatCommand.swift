import ArgumentParser
import UD2MFormats

/// `ud2m-convert stat`: what the numbers are like.
struct StatCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stat",
        abstract: "Show minimum, maximum, mean, deviation, NaNs, infinities and zeros of every tensor.",
        discussion: """
            Extremes and moments are over the finite numbers, in double precision; the deviation divides by n. \
            Quantised tensors are read as their stored integers. There are no numbers of 6-bit types, whose packing is \
            not defined, nor of PyTorch's bits types.
            """)

    @Argument(help: "Checkpoints or patterns; - is standard input.")
    var files: [String]

    @Option(help: ArgumentHelp("State dict to read; the one that stands out unless given.", valueName: "path"))
    var select: String?

    @Flag(name: .customLong("keep-prefix"), help: "Show names as they are in the file, wrappers' prefixes included.")
    var keepPrefix = false

    @OptionGroup
    var names: NameFilterFlags

    @OptionGroup
    var reading: InputOptions

    @OptionGroup
    var reporting: OutputOptions

    func run() throws {
        let progress = reporting.makeProgress()
        let run = StatRun(select: select, keepsPrefix: keepPrefix, filter: names.filter, input: reading.input)
        let batch = try Batch(try InputPaths(files)) { try run.execute($0, progress: progress) }
        progress.finish()
        if reporting.json {
            try batch.printJSON()
        } else {
            try batch.printText {
                (batch.isSingle ? "" : "\($0.report.path.escapedForDisplay):\n") + $0.report.text
            }
            for item in batch.reports { item.warn(quiet: reporting.quiet) }
        }
        try batch.requireSuccess { $0.exitCode }
    }
}
