import ArgumentParser
import UD2MFormats

/// `ud2m-convert verify`: whether files are whole.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check files against their own structure and checksums.",
        discussion: """
            Stores carry XXH64 and SHA-256 of every tensor, PyTorch's archives a CRC-32 of every record, plain \
            safetensors files nothing but their structure. Of an index every shard is checked, and of a folder every \
            file of its sharded or distributed checkpoint. Exits with 1 when data do not match, or when one of several \
            files is missing or unsound.
            """)

    @Argument(help: "Files, folders of checkpoints, or patterns.")
    var files: [String]

    @Flag(help: "Compute SHA-256 as well, where the file records it.")
    var deep = false

    @Flag(help: "Check the structure only; no tensor data are read.")
    var shallow = false

    @Flag(name: .customLong("allow-missing-crc"), help: "Accept archive records whose checksum is zero.")
    var allowMissingCRC = false

    @OptionGroup
    var opening: OpeningOptions

    @OptionGroup
    var reporting: OutputOptions

    func validate() throws {
        guard !(deep && shallow) else { throw ValidationError("--deep and --shallow exclude each other.") }
    }

    private var verifyInput: CheckpointInput {
        var input = opening.input
        input.allowsMissingCRC = allowMissingCRC
        return input
    }

    func run() throws {
        let progress = reporting.makeProgress()
        let run = VerifyRun(deep: deep, shallow: shallow, input: verifyInput)
        let batch = try Batch(try InputPaths(files)) { try run.execute($0, progress: progress) }
        progress.finish()
        if reporting.json {
            try batch.printJSON()
        } else {
            try batch.printText { $0.ok && reporting.quiet ? "" : $0.text }
        }
        try batch.requireSuccess { $0.ok ? ExitCodes.success : ExitCodes.negative }
    }
}
