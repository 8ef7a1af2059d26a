import ArgumentParser
import UD2MConvert
import UD2MFormats
import UD2MLoRA

/// Flags of the commands that write a network with changed tensors.
struct MergeFlags: ParsableArguments {
    @Option(name: .shortAndLong, help: "Where to: .ud2w, .safetensors, .pt or .npz; may be left out with --dry-run.")
    var output: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("What every change is multiplied by besides the adapters' own scales.", valueName: "number"))
    var scale = 1.0

    @Option(
        name: .customLong("weight"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Weight of an adapter; repeat it, one for each adapter in their order. All are 1 unless given.",
            valueName: "number"))
    var weights: [Double] = []

    @Option(
        help: """
            Precision of the sums: f32, which has the bits of PyTorch's merge, or f64. Either way the result is rounded \
            once to the type it is stored in.
            """)
    var arithmetic: MergeArithmetic = .f32

    @Option(help: ArgumentHelp("State dict of the network; the one that stands out unless given.", valueName: "path"))
    var select: String?

    @Flag(name: .customLong("allow-unmatched"), help: "Leave out changes of tensors that the network does not have.")
    var allowUnmatched = false

    @Flag(
        name: .customLong("any-base"),
        help: "Merge a bundle into another network than its base, or an adapter into a network that has it already.")
    var anyBase = false

    @OptionGroup
    var adapters: AdapterFlags

    @OptionGroup
    var cast: CastFlags

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
        if let output, Exporter.Format(suffixOf: output) == nil {
            throw ValidationError("The output's suffix names no format; name it .ud2w, .safetensors, .pt or .npz.")
        }
        for value in weights + [scale] where !value.isFinite {
            throw ValidationError("--scale and --weight must be finite numbers.")
        }
    }

    /// The strength of each adapter.
    /// - Throws: a usage error when the weights are not as many.
    func strengths(of paths: [String]) throws -> [Double] {
        guard weights.isEmpty || weights.count == paths.count else {
            throw ValidationError("Give --weight once for each of the \(paths.count) adapters, or not at all.")
        }
        return paths.indices.map { (weights.isEmpty ? 1 : weights[$0]) * scale }
    }

    /// Merges or takes back, and reports.
    func run(_ operation: MergeRun.Operation, _ base: String, _ paths: [String], keepsIrreversible: Bool = false) throws
    {
        let strengths = try strengths(of: paths)
        let progress = reporting.makeProgress()
        let report = try MergeRun(
            operation: operation, base: base, adapters: zip(paths, strengths).map { ($0, $1) }, flags: self,
            keepsIrreversible: keepsIrreversible
        ).execute(progress: progress)
        progress.finish()
        report.losses.warn()
        if reporting.json { return try JSONOutput.print(report) }
        for item in report.adapters { item.adapter.warn() }
        for note in report.notes { StandardError.print("warning: \(note.escapedForDisplay)") }
        if !reporting.quiet { try StandardOutput.print(report.text) }
    }
}
