import ArgumentParser

/// `ud2m bundle`: task-adapter bundles.
struct BundleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bundle",
        abstract: "Make and look at task-adapter bundles: an adapter with all that a task needs, over one prior.",
        discussion: """
            A bundle is a .ud2w file of about a megabyte: a LoRA adapter, the final layer, the sampler's settings, RAM's \
            weights if they were trained, and the content id of the prior it belongs to. docs/bundles.md describes it.
            """,
        subcommands: [
            BundleCreateCommand.self, BundleInspectCommand.self, BundleVerifyCommand.self, BundleListCommand.self,
            BundleExtractCommand.self,
        ])
}
