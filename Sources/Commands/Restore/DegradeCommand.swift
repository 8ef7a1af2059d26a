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
            stored as pixels: times the scale, and --sigma is the noise before it. With --operator the operator comes from \
            a file, of another image or written by hand; several make a stack, the image seen through one after the \
            other: -o y.png is then y.0.png, y.1.png, … and y.png.operator.json, ready for ud2m restore STORE y.0.png \
            y.1.png --operator y.png.operator.json. The noise follows from the seed and the image's pixels, so that no two \
            images have the same; a random mask, measurements and kernels follow from their seed alone. The reference \
            code's flag names --operator_name, --kernel_size, --sigma_model, --sf and --mask_rate are accepted.
            """)

    @Argument(help: "The clean image, PNG or JPEG.")
    var image: String

    @Option(name: .shortAndLong, help: ArgumentHelp("Where the observation goes.", valueName: "png"))
    var output: String

    @Option(
        name: .customLong("operator"),
        help: ArgumentHelp(
            "Operator file, instead of --task and its flags. May be repeated, for a stack of operators.",
            valueName: "json"))
    var operatorFiles: [String] = []

    @OptionGroup
    var operation: OperatorOptions

    @OptionGroup
    var flags: DegradationFlags

    @Option(
        help: """
            Seed of the noise, together with the image's pixels; alone, of a random mask and of random measurements, which \
            are then the same for all images.
            """)
    var seed: UInt64 = 0

    @Option(name: .customLong("bit-depth"), help: "Bits a channel of the observation: 8 or 16.")
    var bitDepth = 16

    @Flag(help: "Replace existing outputs.")
    var force = false

    @OptionGroup
    var reporting: OutputOptions

    mutating func validate() throws {
        guard (operation.task == nil) != operatorFiles.isEmpty else {
            throw ValidationError(
                "Say what to do: --task deblur, inpaint, sr, jpeg, denoise or cs, or --operator FILE.")
        }
        guard bitDepth == 8 || bitDepth == 16 else { throw ValidationError("--bit-depth must be 8 or 16.") }
        let task = operation.task
        if task == nil { try FlagRule.check(operation.rules(nil)) }
        try FlagRule.check(flags.rules(task: task, hasMask: operation.mask != nil, maskWord: operation.kernel))
        // The reference code names its masks where other tasks have a kernel; its box is the middle of the image.
        if task == .inpaint, operation.kernel == "box", flags.box == nil { flags.box = "0.25,0.25,0.5,0.5" }
    }

    func run() throws {
        let factory =
            try operation.task.map { OperatorFactory(operation.specification(task: $0)) }
            ?? OperatorFactory(files: operatorFiles)
        let report = try DegradeRun(
            image: image, output: output, factory: factory, flags: operation.task == nil ? nil : flags, seed: seed,
            bitDepth: bitDepth, overwrite: force
        ).execute()
        if reporting.json {
            try JSONOutput.print(report)
        } else if !reporting.quiet {
            let files = report.observations + [report.operatorFile]
            try StandardOutput.print(files.map(\.escapedForDisplay).joined(separator: " and "))
        }
    }
}
