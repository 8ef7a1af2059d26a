import ArgumentParser
import UD2MFormats
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

    /// What `load` makes with the measured algorithms, nil where no file of them was named.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `algorithms-file`, or for a file that cannot be read; what `load` throws,
    ///   with the file where that is about the table.
    func withAlgorithms<Result>(_ load: (AlgorithmTable?) throws -> Result) throws -> Result {
        let table = try algorithms.map(AlgorithmFile.read)
        do {
            return try load(table)
        } catch var error as UD2MError where error.code == .algorithmTable {
            error.location.file = algorithms
            throw error
        }
    }

    /// Refuses a table for a network of which none can be measured.
    func requireNoAlgorithms(for store: String) throws {
        guard algorithms != nil else { return }
        throw UD2MError(
            .algorithmsUse, "--algorithms is for other networks: those of a RAM network are not measured.",
            at: .init(file: store))
    }
}

extension Precision: ExpressibleByArgument {}

extension UD2MError.Code {
    /// A table of algorithms was given for a network that takes none.
    static let algorithmsUse = UD2MError.Code("algorithms-use", .usage)
}
