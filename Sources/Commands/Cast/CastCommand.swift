import ArgumentParser

/// `ud2m-convert cast`: the same tensors with other element types.
struct CastCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cast",
        abstract: "Convert floating-point tensors to f32, f16 or bf16.",
        usage: "ud2m-convert cast <input> ... <output> [<options>]",
        discussion: """
            Rounds to nearest, ties to even. Numbers too large for the new type become infinite and are reported. \
            Integers, booleans, complex, quantised and 8-bit floating-point tensors stay as they are, which is reported.
            """)

    @Argument(
        help: ArgumentHelp(
            "Stores, checkpoints or patterns, then where to: a file, or for shards a folder or an index. Several inputs, "
                + "or a pattern, go into a folder under their own names.", valueName: "path"))
    var paths: [String]

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
        try flags.run(paths, reporting: reporting)
    }
}
