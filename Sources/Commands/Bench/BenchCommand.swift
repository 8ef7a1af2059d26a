import ArgumentParser
import UD2MFormats
import UD2MRuntime

/// `ud2m bench`: how fast a network runs on this machine.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Time a converted network.",
        discussion: """
            Runs the network on noise: once to warm up, then as often as --runs says, and prints the median. \
            Floating-point operations are counted by the definition of each layer, so that algorithms which need fewer \
            (Winograd's) can show more than the machine's peak, which is measured at the end.

            With --adapter it also times how long it takes to switch a loaded network to the adapters, and runs the network \
            without them in turn.

            With --device cuda, times include the copies to and from the GPU. --plan-only needs none: it counts the launches, \
            bytes and memory of a run, and estimates its time from published figures of GPUs.

            A RAM network is timed with the identity for its operator; its algorithms are not measured with --tune.
            """)

    @Argument(help: "The network, a .ud2w file.")
    var store: String

    @Option(
        help: ArgumentHelp("Sides of the image: one number, or height x width.", valueName: "pixels"),
        transform: ImageSize.parse)
    var size: ImageSize?

    @Option(help: "Images a run.")
    var batch = 1

    @Option(help: ArgumentHelp("Timed runs after the warm-up.", valueName: "count"))
    var runs = 5

    @OptionGroup
    var compute: ComputeOptions

    @OptionGroup
    var adapters: AdapterOptions

    @Flag(name: .customLong("per-op"), help: "Also list the operations by time.")
    var perOperation = false

    @Option(
        help: ArgumentHelp(
            "Also measure both tilings of every 3×3 convolution at this size, and write the table for --algorithms.",
            valueName: "json"))
    var tune: String?

    @Flag(
        name: .customLong("plan-only"),
        help: "With --device cuda, count what a run takes instead of running; needs no GPU, whichever its number.")
    var planOnly = false

    @Flag(help: "Replace an existing table.")
    var force = false

    @OptionGroup
    var reporting: OutputOptions

    func validate() throws {
        guard (1...1024).contains(batch) else { throw ValidationError("--batch must be 1…1024.") }
        guard (1...10_000).contains(runs) else { throw ValidationError("--runs must be 1…10000.") }
        if tune != nil, compute.device != .cpu {
            throw ValidationError("--tune measures algorithms of the CPU: pass --device cpu.")
        }
        guard planOnly else { return }
        guard compute.device.isCUDA else { throw ValidationError("--plan-only is of --device cuda.") }
        guard compute.accelerators == .none else {
            throw ValidationError("--plan-only counts what the kernels do: leave out --accelerators.")
        }
        guard adapters.files.isEmpty else { throw ValidationError("--plan-only plans the network without adapters.") }
    }

    func run() throws {
        if planOnly {
            let report = try BenchPlanRun(
                store: store, size: size, batch: batch, element: compute.precision.cuda ?? .f16,
                perKernel: perOperation
            ).execute()
            if reporting.json { return try JSONOutput.print(report) }
            return try StandardOutput.print(report.text)
        }
        let progress = reporting.makeProgress()
        let report = try BenchRun(
            store: store, size: size, batch: batch, runs: runs, compute: compute, adapters: adapters,
            perOperation: perOperation, tune: tune, overwrite: force, isQuiet: reporting.quiet
        ).execute(progress: progress)
        progress.finish()
        if reporting.json {
            try JSONOutput.print(report)
        } else {
            try StandardOutput.print(report.text(hasDetails: !reporting.quiet))
        }
    }
}
