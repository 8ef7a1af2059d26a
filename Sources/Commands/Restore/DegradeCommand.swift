import ArgumentParser
import UD2MFormats

/// `ud2m degrade`: makes an observation from a clean image.
struct DegradeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "degrade",
        abstract: "Make a degraded observation from a clean image.",
        discussion: """
            Blurs, masks or shrinks the image and adds noise. The operator is saved beside the observation as \
            OUT.operator.json (and OUT.mask.png), ready for ud2m restore --operator. Pixels that a mask misses become \
            mid-grey.
            """)

    @Argument(help: "The clean image, PNG or JPEG.")
    var image: String

    @Option(name: .shortAndLong, help: ArgumentHelp("Where the observation goes.", valueName: "png"))
    var output: String

    @OptionGroup
    var operation: OperatorOptions

    @Option(help: "Fraction of pixels that a random mask misses, when no --mask is given (inpaint).")
    var missing = 0.7

    @Option(help: "Seed of the noise and of a random mask.")
    var seed: UInt64 = 0

    @Option(name: .customLong("bit-depth"), help: "Bits a channel of the observation: 8 or 16.")
    var bitDepth = 16

    @Flag(help: "Replace existing outputs.")
    var force = false

    @OptionGroup
    var reporting: OutputOptions

    func validate() throws {
        guard operation.task != nil else { throw ValidationError("Say what to do: --task deblur, inpaint or sr.") }
        guard (0...1).contains(missing) else { throw ValidationError("--missing must be 0…1.") }
        guard bitDepth == 8 || bitDepth == 16 else { throw ValidationError("--bit-depth must be 8 or 16.") }
    }

    func run() throws {
        guard let task = operation.task else { return }
        let report = try DegradeRun(
            image: image, output: output, specification: operation.specification(task: task), missing: missing,
            seed: seed, bitDepth: bitDepth, overwrite: force
        ).execute()
        if reporting.json {
            try JSONOutput.print(report)
        } else if !reporting.quiet {
            try StandardOutput.print("\(report.output.escapedForDisplay) and \(report.operatorFile.escapedForDisplay)")
        }
    }
}
