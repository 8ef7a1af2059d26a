import ArgumentParser

/// `ud2m restore`: a posterior sample of the clean image.
struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Restore a degraded image with a diffusion prior.",
        discussion: """
            Draws one sample of the clean image from its posterior by N diffusion steps of K iterations each. The \
            operator comes from a file of ud2m degrade (--operator), or from --task and its flags. Images may have any \
            size; grey images are restored by a colour prior as colour and written as grey.
            """)

    @Argument(help: "The prior, a .ud2w file.")
    var store: String

    @Argument(help: "The degraded image, PNG or JPEG.")
    var image: String

    @Option(name: .shortAndLong, help: ArgumentHelp("Where the restored image goes.", valueName: "png"))
    var output: String

    @Option(
        name: .customLong("operator"),
        help: ArgumentHelp("Operator file of ud2m degrade, instead of --task and its flags.", valueName: "json"))
    var operatorFile: String?

    @OptionGroup
    var operation: OperatorOptions

    @OptionGroup
    var sampling: SamplingOptions

    @Option(help: ArgumentHelp("The clean image, to measure the result against.", valueName: "png"))
    var reference: String?

    @Option(help: ArgumentHelp("Write observation, result and reference side by side.", valueName: "png"))
    var grid: String?

    @OptionGroup
    var compute: ComputeOptions

    @Flag(help: "Replace existing outputs.")
    var force = false

    @OptionGroup
    var reporting: OutputOptions

    func validate() throws {
        guard (operatorFile == nil) != (operation.task == nil) else {
            throw ValidationError("Say what was done to the image: --operator FILE, or --task and its flags.")
        }
    }

    func run() throws {
        let factory: OperatorFactory
        if let operatorFile {
            factory = try OperatorFactory(file: operatorFile)
        } else if let task = operation.task {
            factory = OperatorFactory(operation.specification(task: task))
        } else {
            return
        }
        let progress = reporting.makeProgress()
        let report = try RestoreRun(
            store: store, image: image, output: output, factory: factory, sampling: sampling, reference: reference,
            grid: grid, compute: compute, overwrite: force
        ).execute(progress: progress)
        progress.finish()
        if reporting.json {
            try JSONOutput.print(report)
        } else if !reporting.quiet {
            try StandardOutput.print(report.summary)
        }
    }
}
