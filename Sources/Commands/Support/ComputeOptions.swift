import ArgumentParser
import UD2MRuntime

/// How networks compute: the options of every command that runs one.
struct ComputeOptions: ParsableArguments {
    @Option(help: "Compute threads; 0 uses every core this process may use.")
    var threads = 0

    @Option(
        help: ArgumentHelp(
            "strict rounds least and takes a third longer; fp16-weights halves the memory of weights and rounds "
                + "most.", valueName: "precision"))
    var precision = Precision.standard

    @Option(
        help: ArgumentHelp(
            "Algorithms as ud2m bench --tune measured them, instead of those of the cost model.", valueName: "json"))
    var algorithms: String?

    /// The measured algorithms, where a file of them was named.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `algorithms-file`, or for a file that cannot be read.
    func algorithmTable() throws -> AlgorithmTable? { try algorithms.map(AlgorithmFile.read) }

    func validate() throws {
        guard (0...256).contains(threads) else { throw ValidationError("--threads must be 0…256.") }
    }
}

extension Precision: ExpressibleByArgument {}
