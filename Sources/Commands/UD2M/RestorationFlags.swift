import ArgumentParser
import UD2MFormats

/// What a RAM network is told besides the observation.
struct RestorationFlags: ParsableArguments {
    @Option(
        name: .customLong("operator"),
        help: ArgumentHelp(
            "RAM: the operator file of ud2m degrade; none means plain noise. May be repeated: the observations are then "
                + "y.0, y.1, … in this order.", valueName: "json"))
    var operatorFiles: [String] = []

    // Unconditional, so that a negative number is refused as one and not taken for a flag.
    @Option(
        parsing: .unconditional, help: "RAM: standard deviation of Gaussian noise, in units of the image range [0, 1].")
    var sigma: Double?

    @Option(parsing: .unconditional, help: "RAM: gain of Poisson noise.")
    var gain: Double?

    @Option(help: "RAM: whose semantics, original or deepinv; the store's unless given.")
    var flavour: RAMConfiguration.Flavour?

    private static let mostOperators = 16

    mutating func validate() throws {
        guard operatorFiles.count <= Self.mostOperators else {
            throw ValidationError("--operator may be given \(Self.mostOperators) times at most.")
        }
        for (name, level) in [("--sigma", sigma), ("--gain", gain)] {
            guard let level else { continue }
            guard level.isFinite, level >= 0 else { throw ValidationError("\(name) must be finite and not negative.") }
        }
    }

    /// The first of these flags that was given.
    var firstFlag: String? {
        let flags = [
            ("--operator", !operatorFiles.isEmpty), ("--sigma", sigma != nil), ("--gain", gain != nil),
            ("--flavour", flavour != nil),
        ]
        return flags.first { $0.1 }?.0
    }
}
