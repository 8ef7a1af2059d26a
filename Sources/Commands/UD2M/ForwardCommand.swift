import ArgumentParser
import UD2MFormats

/// `ud2m forward`: one run of a network on tensors from a file.
struct ForwardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forward",
        abstract: "Run a converted network on tensors from a safetensors file.",
        discussion: """
            The input file holds x [N,C,H,W], t [N], and where the network has them class labels y [N] and low_res \
            [N,C,h,w]; other tensors in it are ignored. The output file holds out, and every tap under its name.

            A RAM network restores images on the scale [0, 1] from y [N,C,H,W]: noisy ones, or with --operator what the \
            operator shows of them; with several operators from y.0, y.1, … in their order. Noise levels come from --sigma and --gain, else from tensors of these names \
            ([N], or [N,1,H,W] a pixel) and are those of every observation, else sigma from the operator files, and may \
            be unknown.

            Values must be finite, and timesteps 0 or more and below 1000.
            """)

    @Argument(help: "The network, a .ud2w file.")
    var store: String

    @Option(help: ArgumentHelp("The input tensors.", valueName: "in.safetensors"))
    var input: String

    @Option(name: .shortAndLong, help: ArgumentHelp("Where the output goes.", valueName: "out.safetensors"))
    var output: String

    @Option(parsing: .upToNextOption, help: "Inner activations to keep, such as middle_block.1.")
    var taps: [String] = []

    @OptionGroup
    var restoration: RestorationFlags

    @OptionGroup
    var compute: ComputeOptions

    @Flag(help: "Replace an existing output.")
    var force = false

    @OptionGroup
    var reporting: OutputOptions

    func run() throws {
        let report = try ForwardRun(
            store: store, input: input, output: output, taps: taps, restoration: restoration, compute: compute,
            overwrite: force
        ).execute()
        if reporting.json {
            try JSONOutput.print(report)
        } else if !reporting.quiet {
            let names = report.outputs.map { "\($0.name) \($0.shape)" }.joined(separator: ", ")
            try StandardOutput.print("\(names) -> \(output.escapedForDisplay) (\(report.milliseconds) ms)")
        }
    }
}
