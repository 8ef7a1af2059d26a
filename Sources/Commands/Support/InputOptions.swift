import ArgumentParser
import UD2MFormats

extension FileAccess: ExpressibleByArgument {}

/// How files are opened: flags of every command that looks into checkpoints.
struct OpeningOptions: ParsableArguments {
    @Option(
        name: .customLong("io"),
        help: ArgumentHelp(
            "How tensor data are read: auto maps local files and reads those on network file systems; mmap, pread.",
            valueName: "how"))
    var access: FileAccess = .automatic

    @Option(
        name: .customLong("limit"),
        help: ArgumentHelp(
            "Raise or lower what a file may ask for, such as pickle-bytes=1GiB; may be repeated. Limits: "
                + LimitOverride.names + ".", valueName: "name=value"),
        transform: LimitOverride.parse)
    var limits: [LimitOverride] = []

    @Option(
        help: ArgumentHelp("The one pickle of a torch.package archive to read; all unless given.", valueName: "path"))
    var resource: String?

    /// How a command opens files that only describes them: nothing is refused that can be described.
    var input: CheckpointInput {
        CheckpointInput(
            access: access, limits: limits.reduce(into: .standard) { $1.apply(to: &$0) }, resource: resource)
    }
}

/// How files are read: flags of every command that loads tensors.
struct InputOptions: ParsableArguments {
    @OptionGroup
    var opening: OpeningOptions

    @Flag(
        name: .customLong("allow-missing-crc"), help: "Read archive records whose checksum is zero, which means none.")
    var allowMissingCRC = false

    @Flag(
        name: .customLong("allow-flagged"),
        help: "Read files whose pickle would run code in Python; nothing of it is run here either way.")
    var allowFlagged = false

    @Flag(
        name: .customLong("strict-globals"),
        help: """
            Refuse files whose pickle holds objects of unknown classes or is unusual in any other way, and safetensors \
            files with unknown fields.
            """)
    var strictGlobals = false

    @Flag(
        name: .customLong("allow-expand"),
        help: "Write out tensors that repeat few stored bytes into very many.")
    var allowExpand = false

    func validate() throws {
        guard !(allowFlagged && strictGlobals) else {
            throw ValidationError("--allow-flagged and --strict-globals contradict each other.")
        }
    }

    /// How a command opens files that loads them.
    var input: CheckpointInput {
        var input = opening.input
        input.allowsMissingCRC = allowMissingCRC
        input.policy = allowFlagged ? .all : strictGlobals ? .knownOnly : .harmless
        if allowExpand { input.limits.expansionFloorBytes = .max }
        return input
    }
}
