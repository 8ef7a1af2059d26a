import ArgumentParser

/// `ud2m-convert export`: a state dict in another format.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a store's or checkpoint's tensors as safetensors, .pt, .npz or shards.",
        discussion: """
            Every tensor keeps its bits unless --dtype or --rule says otherwise. The .pt files open with \
            torch.load(weights_only=True). The same input always gives the same bytes.
            """)

    @Argument(help: "The store or checkpoint.")
    var input: String

    @Argument(help: "Where to: a file, or for shards a folder or an index.")
    var output: String

    @OptionGroup
    var flags: ExportFlags

    @OptionGroup
    var reporting: OutputOptions

    func run() throws {
        try flags.run(input, output, reporting: reporting)
    }
}
