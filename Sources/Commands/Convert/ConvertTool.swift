import ArgumentParser

/// The `ud2m-convert` tool: checkpoints in, weight stores out.
public struct ConvertTool: ParsableCommand {
    /// The tool's name, abstract and subcommands.
    public static let configuration = CommandConfiguration(
        commandName: "ud2m-convert",
        abstract: "Convert a checkpoint into a native weight store, without running any of it.",
        version: Version.current,
        subcommands: [
            ConvertCommand.self, InspectCommand.self, ListCommand.self, VerifyCommand.self, DiffCommand.self,
            ScanCommand.self, ExportCommand.self, CastCommand.self, StatCommand.self,
        ],
        defaultSubcommand: ConvertCommand.self)

    /// Creates the command.
    public init() {}
}
