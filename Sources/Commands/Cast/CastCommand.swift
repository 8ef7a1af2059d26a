import ArgumentParser

/// `ud2m-convert cast`: the same tensors with other element types.
struct CastCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cast",
        abstract: "Convert floating-point tensors to f32, f16 or bf16.",
        discussion: """
            Rounds to nearest, ties to even. Numbers too large for the new type become infinite and are reported. \
            Integers, booleans, complex, quantised and 8-bit floating-point tensors stay as they are, which is reported.
            """)

    @Argument(help: "The store or checkpoint.")
    var input: String

    @Argument(help: "Where to; the suffix says the format.")
    var output: String

    @OptionGroup
    var flags: ExportFlags

    @OptionGroup
    var reporting: OutputOptions

    func validate() throws {
        guard flags.cast.dtype != nil || !flags.cast.rules.isEmpty else {
            throw ValidationError("Say what to convert to: --dtype or --rule.")
        }
    }

    func run() throws {
        try flags.run(input, output, reporting: reporting)
    }
}
