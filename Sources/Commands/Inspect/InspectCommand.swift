import ArgumentParser
import UD2MFormats

/// `ud2m-convert inspect`: what a checkpoint holds.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Describe checkpoints: container, network, state dicts, tensors.",
        discussion: """
            Only headers are read, so that any size takes an instant; --digests reads the tensors too. Nothing in a \
            checkpoint is executed.
            """)

    @Argument(help: "Checkpoints or patterns; - is standard input.")
    var files: [String]

    @OptionGroup
    var detection: DetectionFlags

    @Flag(help: "List every tensor of the file, not only those of the selected state dict.")
    var all = false

    @Flag(help: "Compute the SHA-256 of every tensor that is listed.")
    var digests = false

    @OptionGroup
    var opening: OpeningOptions

    @OptionGroup
    var reporting: OutputOptions

    func run() throws {
        let run = InspectRun(
            select: detection.select, detection: detection.options, listsAll: all, computesDigests: digests,
            input: opening.input)
        let batch = try Batch(try InputPaths(files)) { try run.execute($0) }
        if reporting.json {
            try batch.printJSON()
        } else {
            try batch.printText { $0.text(listsTensors: all || digests) }
        }
        try batch.requireSuccess { _ in ExitCodes.success }
    }
}
