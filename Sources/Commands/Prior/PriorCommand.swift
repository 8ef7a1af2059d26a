import ArgumentParser
import UD2MLoRA

/// `ud2m prior`: images drawn from a prior alone.
struct PriorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prior",
        abstract: "Draw images from a prior alone, to see what it has learnt.",
        usage: """
            ud2m prior <store> --output <png or folder> --size <HxW> [--samples <n>] [--steps <n>]
            ud2m prior --bundle <ud2w> --output <png or folder> --size <HxW>
            """,
        discussion: """
            Runs the reverse diffusion without an observation, by DDIM or DDPM. A file gets all images side by side, a \
            folder one file for each.
            """)

    @Argument(help: "The prior, a .ud2w file; not with --bundle.")
    var store: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("A file for a grid of all images, or a folder (ending in /).", valueName: "png or folder"))
    var output: String

    @OptionGroup
    var prior: PriorOptions

    @Option(help: "Images to draw.")
    var samples = 16

    @Option(help: "Images that the network denoises side by side; memory grows with it, results do not change.")
    var batch = 4

    @Option(help: "Diffusion steps, evenly spaced in t.")
    var steps = 50

    @Option(help: "ddim, or ddpm, which is ddim with η = 1.")
    var solver: PriorSolver = .ddim

    @Option(help: "η of ddim, 0…1: the share of fresh noise between steps; 0 unless given.")
    var eta: Double?

    @Option(help: "Seed of the random numbers.")
    var seed: UInt64 = 0

    @Option(
        help: ArgumentHelp(
            "Height and width of the images, such as 64 or 64x96; best that of the prior's training, which stores do not say.",
            valueName: "HxW"),
        transform: ImageSize.parse)
    var size: ImageSize

    @Option(help: "Noise schedule that the prior was trained with: linear (unless a bundle says cosine) or cosine.")
    var schedule: BundleSettings.Schedule?

    @OptionGroup
    var compute: ComputeOptions

    @Flag(help: "Replace existing outputs.")
    var force = false

    @OptionGroup
    var reporting: OutputOptions

    func validate() throws {
        guard (store == nil) != (prior.bundle == nil) else {
            throw ValidationError("Name the prior, or a --bundle.")
        }
        guard (1...100_000).contains(samples) else { throw ValidationError("--samples must be 1…100000.") }
        guard (1...1024).contains(batch) else { throw ValidationError("--batch must be 1…1024.") }
        guard (1...1000).contains(steps) else { throw ValidationError("--steps must be 1…1000.") }
        if let eta, !(0...1).contains(eta) { throw ValidationError("--eta must be 0…1.") }
        if solver == .ddpm, eta != nil { throw ValidationError("--solver ddpm has η = 1; leave --eta out.") }
    }

    func run() throws {
        let progress = reporting.makeProgress()
        let report = try PriorRun(command: self).execute(progress: progress)
        progress.finish()
        if reporting.json {
            try JSONOutput.print(report)
        } else if !reporting.quiet {
            try StandardOutput.print(report.summary)
        }
    }
}

/// The ways to sample a prior.
enum PriorSolver: String, Encodable, ExpressibleByArgument, CaseIterable {
    case ddim
    case ddpm
}
