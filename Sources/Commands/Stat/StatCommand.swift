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

    @Argument(help: "The checkpoint; - is standard input.")
    var file: String

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
        let (report, rest, patterns) = try StatRun(
            select: select, keepsPrefix: keepPrefix, filter: names.filter, input: reading.input
        ).execute(file, progress: progress)
        progress.finish()
        if reporting.json {
            try JSONOutput.print(report)
        } else {
            try StandardOutput.print(report.text)
            rest.warn(quiet: reporting.quiet)
            patterns.warn()
        }
        try patterns.requireMatch()
    }
}
