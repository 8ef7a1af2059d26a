import ArgumentParser
import UD2MFormats

/// `ud2m forward`: one run of a network on tensors from a file.
struct ForwardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forward",
        abstract: "Run a converted network on tensors from a safetensors file.",
        discussion: """
            The input file holds the tensors below; others in it are ignored. Images are [N,C,H,W], channels in the order \
            red, green, blue. The output file holds out, and every tap under its name.

            ADM, DDPM: x, noisy images on the scale [-1, 1]; t [N], timesteps of 0 or more and below 1000; where the \
            network has them, class labels y [N] and small images low_res [N,C,h,w] on [-1, 1].

            VGG-16, SqueezeNet: x, 3 channels less ImageNet's mean (0.485, 0.456, 0.406), over its deviation (0.229, \
            0.224, 0.225), on [0, 1] before. LPIPS, its trunk alone: x, on [-1, 1] before, less (-0.030, -0.088, -0.188), \
            over (0.458, 0.448, 0.450) for version 0.1, unchanged for 0.0; ud2m evaluate computes the distance.

            Inception of FID: x, 3 channels on [-1, 1], resized before as the metric says: 299×299 pixels for FID. Its out \
            is the 2048 pooled features.

            UD2M's discriminator: x, the image, and y, the observation at the image's size, both of the size and channels \
            that it was trained with, on [-1, 1]. Its out [N,1] is after the sigmoid.

            RAM restores images on the scale [0, 1] from y [N,C,H,W]: noisy ones, or with --operator what the operator \
            shows of them; with several operators from y.0, y.1, … in their order. Noise levels come from --sigma and \
            --gain, else from tensors of these names ([N], or [N,1,H,W] a pixel) and are those of every observation, else \
            sigma from the operator files, and may be unknown.

            Values must be finite.

            With --adapter, all but RAM run as the network that the adapters make of it.
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
    var adapters: AdapterOptions

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
            store: store, input: input, output: output, taps: taps, adapters: adapters, restoration: restoration,
            compute: compute, isQuiet: reporting.quiet, overwrite: force
        ).execute()
        report.warn()
        if reporting.json {
            try JSONOutput.print(report)
        } else if !reporting.quiet {
            let names = report.outputs.map { "\($0.name) \($0.shape)" }.joined(separator: ", ")
            try StandardOutput.print("\(names) -> \(output.escapedForDisplay) (\(report.milliseconds) ms)")
        }
    }
}
