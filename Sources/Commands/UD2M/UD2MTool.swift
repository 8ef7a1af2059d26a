import ArgumentParser

/// The `ud2m` tool: runs networks and restores images.
public struct UD2MTool: ParsableCommand {
    /// The tool's name, abstract and subcommands.
    public static let configuration = CommandConfiguration(
        commandName: "ud2m",
        abstract: "Restore images with a diffusion prior, and run its network.",
        discussion: "STORE is a .ud2w file written by ud2m-convert.",
        version: Version.current,
        subcommands: [
            RestoreCommand.self, GatherCommand.self, DegradeCommand.self, PriorCommand.self, ForwardCommand.self,
            EvaluateCommand.self,
            BenchCommand.self, DevicesCommand.self, SelfTestCommand.self,
            BundleCommand.self,
        ])

    /// Creates the command.
    public init() {}
}
