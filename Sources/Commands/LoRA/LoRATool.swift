import ArgumentParser

/// The `ud2m-lora` tool: adapters described, merged, taken back, rewritten and computed.
public struct LoRATool: ParsableCommand {
    /// The tool's name, abstract and subcommands.
    public static let configuration = CommandConfiguration(
        commandName: "ud2m-lora",
        abstract: "Look at LoRA adapters of any convention, merge them into networks, convert and compute them.",
        version: Version.current,
        subcommands: [
            AdapterInfoCommand.self, MergeCommand.self, UnmergeCommand.self, AdapterConvertCommand.self,
            CompatCommand.self, ExtractCommand.self, ResizeCommand.self, CombineCommand.self, SpectrumCommand.self,
        ])

    /// Creates the command.
    public init() {}
}
