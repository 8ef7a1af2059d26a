import ArgumentParser
import UD2MConvert
import UD2MFormats

/// `ud2m-convert [convert]`: checkpoint to weight store.
struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Convert a checkpoint into a .ud2w weight store.",
        discussion: """
            The network is recognised from the names and shapes of the tensors, and every tensor must be there with \
            the right shape. Nothing in the checkpoint is executed; one that asks Python to run code is refused.
            """)

    @Argument(help: "The checkpoint.")
    var checkpoint: String

    @Argument(help: "Where the store goes; may be left out with --dry-run.")
    var output: String?

    @OptionGroup
    var detection: DetectionFlags

    @Option(
        name: .customLong("lpips-linear"),
        help: ArgumentHelp(
            "Linear layers of LPIPS, whose trunk the checkpoint is: the result is the metric.", valueName: "file"))
    var lpipsLinear: String?

    @OptionGroup
    var cast: CastFlags

    @Flag(name: .customLong("allow-unmapped"), help: "Leave out tensors that the network does not have.")
    var allowUnmapped = false

    @Flag(
        help:
            "Convert although tensors of the network are missing or misshapen; the store then runs only once they are added."
    )
    var partial = false

    @Option(
        name: .customLong("allow-missing"),
        help: ArgumentHelp(
            "Convert although tensors are missing whose name the regular expression is found in; may be repeated. The "
                + "store says what it lacks, and runs only once it is added.", valueName: "regex"))
    var allowMissing: [String] = []

    @Flag(
        name: .customLong("source-hash"),
        help: "Record the SHA-256 of the checkpoint's file in the store; the file is read once more for it.")
    var sourceHash = false

    @Option(help: "Alignment of the first data byte, a power of two.")
    var align = WeightStoreWriter.standardAlignment

    @Flag(help: "Record when the store was made; without it the same input always gives the same bytes.")
    var timestamp = false

    @Flag(help: "Leave the checkpoint's file name out, so that the store depends on the weights alone.")
    var reproducible = false

    @Option(help: "Licence of the weights, recorded in the store.")
    var license: String?

    @Option(help: "Text recorded in the store.")
    var note: String?

    @Flag(name: .customLong("dry-run"), help: "Show what would be written, and write nothing.")
    var dryRun = false

    @Flag(help: "Replace an existing output.")
    var force = false

    @OptionGroup
    var reading: InputOptions

    @OptionGroup
    var reporting: OutputOptions

    func validate() throws {
        guard dryRun || output != nil else { throw ValidationError("Name the output, or pass --dry-run.") }
        guard align >= 64, align <= 1 << 26, align.nonzeroBitCount == 1 else {
            throw ValidationError("--align must be a power of two, 64…67108864.")
        }
        guard !(timestamp && reproducible) else {
            throw ValidationError("--timestamp and --reproducible contradict each other.")
        }
    }

    func run() throws {
        let progress = reporting.makeProgress()
        let report = try ConvertRun(
            input: checkpoint, output: output, select: detection.select, detection: detection.options,
            lpipsLinear: lpipsLinear, allowUnmapped: allowUnmapped, partial: partial,
            absence: try AllowedAbsence(patterns: allowMissing), recordsDigest: sourceHash,
            options: try storeOptions(), dryRun: dryRun, overwrite: force, opening: reading.input
        ).execute(progress: progress)
        progress.finish()
        report.losses.warn()
        report.warnOfAbsence()
        if reporting.json {
            try JSONOutput.print(report)
        } else if !reporting.quiet {
            try StandardOutput.print(report.summary)
        }
        // A dry run answers whether the conversion would go through.
        if dryRun, !report.isConvertible(allowUnmapped: allowUnmapped, partial: partial) {
            throw ExitCode(ExitCodes.negative)
        }
    }

    private func storeOptions() throws -> Converter.Options {
        var options = Converter.Options()
        options.cast = try cast.makeRules()
        options.alignment = align
        options.license = license
        options.note = note
        options.recordsFileName = !reproducible
        options.created = timestamp ? Timestamp.now() : nil
        return options
    }
}
