import ArgumentParser
import UD2MFormats
import UD2MLoRA

/// `ud2m bundle create`: a bundle from a training checkpoint, a LoRA adapter or another bundle.
struct BundleCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a bundle from a training checkpoint of UD2M, or from any adapter and settings.",
        discussion: """
            Of UD2M's checkpoints the LoRA factors (scale 1.5/r), the final layer, the four trained numbers of the \
            sampler and RAM's weights are taken; optimisers, the discriminator and copies are left out and listed. \
            Dataset, task and operator come from names like imagenet_lora_sr_bicubic_epoch=010-5.ckpt; flags go before \
            a settings file, and both before what a name tells. Another bundle gives its own settings, so that it can \
            be changed or made fat.
            """)

    @Argument(help: "The checkpoint, adapter file, PEFT folder, or bundle.")
    var source: String

    @Option(help: "The prior, a .ud2w file; of a bundle, it is looked for unless given.")
    var base: String?

    @Option(name: .shortAndLong, help: "The bundle, a .ud2w file; may be left out with --dry-run.")
    var output: String?

    @OptionGroup
    var settings: BundleSettingsFlags

    @Option(
        help: ArgumentHelp(
            "A RAM network to put in, a store or checkpoint; the checkpoint's own unless given.", valueName: "file"))
    var ram: String?

    @Flag(name: .customLong("without-ram"), help: "Leave out the RAM network that the checkpoint holds.")
    var withoutRAM = false

    @Flag(help: "Put the prior's weights in as well, so that the bundle needs no other file.")
    var fat = false

    @OptionGroup
    var adapter: AdapterFlags

    @Flag(name: .customLong("dry-run"), help: "Check everything, show what would be written, and write nothing.")
    var dryRun = false

    @Flag(help: "Replace an existing output.")
    var force = false

    @OptionGroup
    var reading: InputOptions

    @OptionGroup
    var reporting: OutputOptions

    func validate() throws {
        guard dryRun || output != nil else { throw ValidationError("Name the output with -o, or pass --dry-run.") }
        if let output, !output.hasSuffix(".ud2w") { throw ValidationError("Name the output .ud2w.") }
        guard !(withoutRAM && ram != nil) else { throw ValidationError("--ram and --without-ram exclude each other.") }
    }

    func run() throws {
        let progress = reporting.makeProgress()
        let report = try BundleCreateRun(
            source: source, base: base, output: output, settings: settings, ram: ram, dropsRAM: withoutRAM,
            form: fat ? .fat : .thin, adapter: adapter, dryRun: dryRun, overwrite: force, input: reading.input
        ).execute(progress: progress)
        progress.finish()
        if reporting.json { return try JSONOutput.print(report) }
        for note in report.notes { StandardError.print("note: \(note.escapedForDisplay)") }
        if !reporting.quiet { try StandardOutput.print(report.text) }
    }
}
