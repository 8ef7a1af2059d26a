import ArgumentParser
import UD2MRuntime

/// How networks compute: the options of every command that runs one.
struct ComputeOptions: ParsableArguments {
    @Option(help: "Compute threads; 0 uses every core this process may use.")
    var threads = 0

    @Option(
        help: ArgumentHelp(
            "strict rounds least and takes about twice the time; fp16-weights halves the memory of weights and rounds "
                + "most.", valueName: "precision"))
    var precision = Precision.standard

    func validate() throws {
        guard (0...256).contains(threads) else { throw ValidationError("--threads must be 0…256.") }
    }
}

extension Precision: ExpressibleByArgument {}
