import ArgumentParser

/// The `ud2m-lora` tool: adapters described, merged, taken back and rewritten.
public struct LoRATool: ParsableCommand {
    /// The tool's name, abstract and subcommands.
    public static let configuration = CommandConfiguration(
        commandName: "ud2m-lora",
        abstract: "Look at LoRA adapters of any convention, merge them into networks, and convert them.",
        version: Version.current,
        subcommands: [
            AdapterInfoCommand.self, MergeCommand.self, UnmergeCommand.self, AdapterConvertCommand.self,
            CompatCommand.self,
        ])

    /// Creates the command.
    public init() {}
}
