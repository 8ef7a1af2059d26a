import ArgumentParser
import UD2MRuntime

/// How networks compute on the CPU, whatever their precision.
struct CPUOptions: ParsableArguments {
    @Option(help: "Compute threads; 0 uses every core this process may use.")
    var threads = 0

    @Option(
        help: ArgumentHelp(
            "Algorithms of the CPU as ud2m bench --tune measured them, instead of those of the cost model.",
            valueName: "json"))
    var algorithms: String?

    func validate() throws {
        guard (0...256).contains(threads) else { throw ValidationError("--threads must be 0…256.") }
    }

    /// The measured algorithms, where a file of them was named.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `algorithms-file`, or for a file that cannot be read.
    func algorithmTable() throws -> AlgorithmTable? { try algorithms.map(AlgorithmFile.read) }
}

extension Precision: ExpressibleByArgument {}
