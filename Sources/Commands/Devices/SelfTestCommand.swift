import ArgumentParser
import UD2MFormats
import UD2MRuntime

/// `ud2m cuda-selftest`: whether a GPU computes what the CPU does.
struct SelfTestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cuda-selftest",
        abstract: "Prove a GPU: every kernel of networks and samplers, and a whole small network, against the CPU.",
        discussion: """
            Needs no file. Exits with 0 where everything agrees, 1 where something differs, 69 where there is no GPU, and 75 \
            where it has too little memory left to tell. \
            docs/cuda.md tells what this proves.
            """)

    @Option(help: ArgumentHelp("The GPU: cuda, or cuda:N for one of ud2m devices.", valueName: "device"))
    var device = DeviceChoice.cuda(nil)

    @Option(
        help: ArgumentHelp(
            "Libraries to be tested and timed beside the kernels: auto, which is those that are found; none; or cublaslt, "
                + "cudnn, or both with a comma.", valueName: "libraries"))
    var accelerators = AcceleratorChoice.auto

    @Option(help: "Compute threads of the CPU; 0 uses every core this process may use.")
    var threads = 0

    @OptionGroup
    var reporting: OutputOptions

    func validate() throws {
        guard device.isCUDA else {
            throw ValidationError("--device must be cuda or cuda:N: the CPU is what it is tested against.")
        }
        guard (0...256).contains(threads) else { throw ValidationError("--threads must be 0…256.") }
    }

    func run() throws {
        let progress = reporting.makeProgress()
        let report = try SelfTestRun(device: device, accelerators: accelerators, threads: threads).execute(
            progress: progress)
        progress.finish()
        if reporting.json {
            try JSONOutput.print(report)
        } else {
            try StandardOutput.print(report.text(hasChecks: !reporting.quiet))
        }
        if !report.passed { throw ExitCode(ExitCodes.negative) }
    }
}
