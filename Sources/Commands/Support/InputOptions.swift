import ArgumentParser
import UD2MFormats

extension FileAccess: ExpressibleByArgument {}

/// How a command reads tensor data: a flag of every command that does.
struct InputOptions: ParsableArguments {
    @Option(
        name: .customLong("io"),
        help: ArgumentHelp(
            "How tensor data are read: auto maps local files and reads those on network file systems; mmap, pread.",
            valueName: "how"))
    var access: FileAccess = .automatic
}
