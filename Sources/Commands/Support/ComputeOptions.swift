import ArgumentParser
import UD2MRuntime

/// Where and how networks compute: the options of every command that runs one.
struct ComputeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where networks run: cpu; cuda, or cuda:1 for another GPU of ud2m devices; auto, a GPU where one can be used "
                + "and else the CPU.", valueName: "device"))
    var device = DeviceChoice.cpu

    @Option(help: "Compute threads; 0 uses every core this process may use.")
    var threads = 0

    @Option(
        help: ArgumentHelp(
            "default or strict, which rounds least and takes about twice the time or more. On the CPU also fp16-weights, which "
                + "halves the memory of weights and rounds most. On GPUs fp16 is the default and fp32 is strict; "
                + "there is bf16 as well.", valueName: "precision"))
    var precision = PrecisionChoice.default

    @Option(
        help: ArgumentHelp(
            "Algorithms of the CPU as ud2m bench --tune measured them, instead of those of the cost model.",
            valueName: "json"))
    var algorithms: String?

    func validate() throws {
        guard (0...256).contains(threads) else { throw ValidationError("--threads must be 0…256.") }
        if device == .cpu, precision.cpu == nil {
            throw ValidationError(
                "--precision \(precision.rawValue) is of GPUs: pass --device cuda, or default, strict or fp16-weights.")
        }
        if device.isCUDA, precision.cuda == nil {
            throw ValidationError(
                "--precision \(precision.rawValue) is of the CPU; on a GPU it is fp16, bf16 or fp32.")
        }
        if device != .cpu, algorithms != nil { throw ValidationError("--algorithms are of the CPU: pass --device cpu.") }
    }
}
