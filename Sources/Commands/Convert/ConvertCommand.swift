import ArgumentParser
import UD2MConvert
import UD2MFormats

/// `ud2m-convert [convert]`: checkpoint to weight store.
struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Convert checkpoints into .ud2w weight stores.",
        usage: "ud2m-convert [convert] <checkpoint> ... <store> [<options>]",
        discussion: """
            The network is recognised from the names and shapes of the tensors, and every tensor must be there with \
            the right shape. Nothing in the checkpoint is executed; one that asks Python to run code is refused.
            """)

    @Argument(
        help: ArgumentHelp(
            "Checkpoints or patterns, then where the store goes, which may be left out with --dry-run and one checkpoint. "
                + "Several checkpoints, or a pattern, go into a folder under their own names.", valueName: "path"))
    var paths: [String]

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
        guard align >= 64, align <= 1 << 26, align.nonzeroBitCount == 1 else {
            throw ValidationError("--align must be a power of two, 64…67108864.")
        }
        guard !(timestamp && reproducible) else {
            throw ValidationError("--timestamp and --reproducible contradict each other.")
        }
    }

    func run() throws {
        let arguments = try InputsAndOutput(paths, requiresOutput: !dryRun)
        let options = try storeOptions()
        let absence = try AllowedAbsence(patterns: allowMissing)
        let progress = reporting.makeProgress()
        let (outputs, folder) = try arguments.outputs(suffix: ".ud2w", create: !dryRun)
        let batch = try Batch(arguments.inputs) { input in
            let report = try ConvertRun(
                input: input, output: outputs[input], select: detection.select, detection: detection.options,
                lpipsLinear: lpipsLinear, allowUnmapped: allowUnmapped, partial: partial, absence: absence,
                recordsDigest: sourceHash, options: options, dryRun: dryRun, overwrite: force, opening: reading.input
            ).execute(progress: progress)
            if report.output.written { folder?.keep() }
            return report
        }
        progress.finish()
        for report in batch.reports {
            report.losses.warn()
            report.warnOfNotFinite()
            report.warnOfAbsence()
        }
        if reporting.json {
            try batch.printJSON()
        } else {
            try batch.printText { reporting.quiet ? "" : $0.summary }
        }
        // A dry run answers whether the conversion would go through.
        try batch.requireSuccess { report in
            !dryRun || report.isConvertible(allowUnmapped: allowUnmapped, partial: partial)
                ? ExitCodes.success : ExitCodes.negative
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
