import ArgumentParser
import UD2MFormats

/// `ud2m degrade`: makes an observation from a clean image.
struct DegradeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "degrade",
        abstract: "Make a degraded observation from a clean image.",
        discussion: """
            Blurs, masks, shrinks, compresses or measures the image and adds noise. The operator is saved beside the \
            observation as OUT.operator.json, with OUT.mask.png, OUT.kernel.npy or OUT.matrix.npy where it needs one, \
            ready for ud2m restore --operator. Pixels that a mask misses become mid-grey. The measurements of cs are \
            stored as pixels: times the scale, and --sigma is the noise before it. The reference code's flag names \
            --operator_name, --kernel_size, --sigma_model, --sf and --mask_rate are accepted.
            """)

    @Argument(help: "The clean image, PNG or JPEG.")
    var image: String

    @Option(name: .shortAndLong, help: ArgumentHelp("Where the observation goes.", valueName: "png"))
    var output: String

    @OptionGroup
    var operation: OperatorOptions

    @OptionGroup
    var flags: DegradationFlags

    @Option(help: "Seed of the noise, of a random mask and of random measurements.")
    var seed: UInt64 = 0

    @Option(name: .customLong("bit-depth"), help: "Bits a channel of the observation: 8 or 16.")
    var bitDepth = 16

    @Flag(help: "Replace existing outputs.")
    var force = false

    @OptionGroup
    var reporting: OutputOptions

    mutating func validate() throws {
        guard let task = operation.task else {
            throw ValidationError("Say what to do: --task deblur, inpaint, sr, jpeg, denoise or cs.")
        }
        guard bitDepth == 8 || bitDepth == 16 else { throw ValidationError("--bit-depth must be 8 or 16.") }
        guard operation.mask == nil || (flags.missing == nil && flags.kept == nil && flags.box == nil) else {
            throw ValidationError("Give --mask, or what to make a mask from.")
        }
        // The reference code names its masks where other tasks have a kernel; its box is the middle of the image.
        if task == .inpaint, operation.kernel == "box", flags.box == nil { flags.box = "0.25,0.25,0.5,0.5" }
    }

    func run() throws {
        guard let task = operation.task else { return }
        let report = try DegradeRun(
            image: image, output: output, specification: operation.specification(task: task), flags: flags,
            seed: seed, bitDepth: bitDepth, overwrite: force
        ).execute()
        if reporting.json {
            try JSONOutput.print(report)
        } else if !reporting.quiet {
            try StandardOutput.print("\(report.output.escapedForDisplay) and \(report.operatorFile.escapedForDisplay)")
        }
    }
}
