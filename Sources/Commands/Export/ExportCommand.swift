import ArgumentParser

/// `ud2m-convert export`: a state dict in another format.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a store's or checkpoint's tensors as safetensors, .pt, .npz or shards.",
        usage: "ud2m-convert export <input> ... <output> [<options>]",
        discussion: """
            Every tensor keeps its bits unless --dtype or --rule says otherwise. The .pt files open with \
            torch.load(weights_only=True). The same input always gives the same bytes.
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

    func run() throws {
        try flags.run(paths, reporting: reporting)
    }
}
