import ArgumentParser
import UD2MFormats
import UD2MLoRA

/// `ud2m bundle extract`: the parts of a bundle as files of their own.
struct BundleExtractCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extract",
        abstract: "Take the parts of a bundle out: its adapter, RAM's weights, the sampler's settings, the prior.",
        discussion: """
            The adapter goes out in a convention of other programs, factors in the dimensions of the prior's layers where \
            the prior is found. RAM and the prior of a fat bundle become stores; settings become the JSON that create \
            reads.
            """)

    @Argument(help: "The bundle.")
    var bundle: String

    @Option(help: ArgumentHelp("Where the adapter goes: a .safetensors file, or a folder for PEFT.", valueName: "path"))
    var adapter: String?

    @Option(help: "Convention of the adapter: ud2m, peft, diffusers or kohya. (default: ud2m, or peft for a folder)")
    var to: AdapterConvention?

    @Option(help: ArgumentHelp("Where RAM's weights go, a .ud2w file.", valueName: "path"))
    var ram: String?

    @Option(help: ArgumentHelp("Where the settings go, a .json file.", valueName: "path"))
    var settings: String?

    @Option(name: .customLong("prior"), help: ArgumentHelp("Where the prior goes, a .ud2w file.", valueName: "path"))
    var prior: String?

    @Option(help: "The prior, a .ud2w file; looked for by its content id unless given.")
    var base: String?

    @Flag(
        name: .customLong("fold-scale"),
        help: "Multiply a scale that the convention fixes into the factors, which rounds them.")
    var foldScale = false

    @Flag(name: .customLong("drop-others"), help: "Leave out and list changes that the convention cannot hold.")
    var dropOthers = false

    @Flag(name: .customLong("dry-run"), help: "Check everything, and write nothing.")
    var dryRun = false

    @Flag(help: "Replace existing outputs.")
    var force = false

    @OptionGroup
    var opening: OpeningOptions

    @OptionGroup
    var reporting: OutputOptions

    func validate() throws {
        guard adapter != nil || ram != nil || settings != nil || prior != nil else {
            throw ValidationError("Say what to take out: --adapter, --ram, --settings or --prior.")
        }
        for (flag, path) in [("--ram", ram), ("--prior", prior)] {
            if let path, !path.hasSuffix(".ud2w") { throw ValidationError("Name the output of \(flag) .ud2w.") }
        }
        let outputs = [adapter, ram, settings, prior].compactMap(\.self)
        guard Set(outputs).count == outputs.count else { throw ValidationError("Two outputs have the same name.") }
        if let adapter, (convention != .peft) != adapter.hasSuffix(".safetensors") {
            throw ValidationError(
                convention == .peft
                    ? "PEFT's form is a folder; name one."
                    : "Name the adapter .safetensors; only PEFT's form is a folder.")
        }
    }

    /// The convention of the adapter.
    var convention: AdapterConvention {
        to ?? (adapter?.hasSuffix(".safetensors") == false ? .peft : .ud2m)
    }

    func run() throws {
        let input = opening.input
        let bundle = try TaskBundle(path: bundle, limits: input.limits, access: input.access)
        let report = try BundleExtractRun(bundle: bundle, command: self).execute()
        if reporting.json { return try JSONOutput.print(report) }
        for note in report.notes { StandardError.print("note: \(note.escapedForDisplay)") }
        if !reporting.quiet { try StandardOutput.print(report.text) }
    }
}
