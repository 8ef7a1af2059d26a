import ArgumentParser
import UD2MFormats

/// `ud2m-convert scan`: what a checkpoint would make Python do.
struct ScanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan",
        abstract: "Say what loading files in Python would import and call.",
        discussion: """
            Each finding names the global, the record, the byte in it and the opcode. Exits with 0 for clean files, 1 \
            for suspicious and 77 for dangerous ones. A pickle that breaks off is judged up to there, as Python would \
            run it up to there; it is suspicious at least, and exits with 65, or with 77 when what was read is \
            dangerous. So is an archive that is too damaged for any pickle of it to be read. A denied global that is \
            named but never called is suspicious: it is imported, and runs only what its module does then. Bare pickles of any protocol are scanned too. Nothing is executed.
            """)

    @Argument(help: "Files or patterns; - is standard input.")
    var files: [String]

    @Flag(name: .customLong("strict-globals"), help: "Unknown classes are suspicious.")
    var strictGlobals = false

    @OptionGroup
    var opening: OpeningOptions

    @OptionGroup
    var reporting: OutputOptions

    func run() throws {
        let batch = try Batch(try InputPaths(files)) { path in
            ScanReport(try opening.input.scan(path), strict: strictGlobals)
        }
        if reporting.json {
            try batch.printJSON()
        } else {
            try batch.printText { $0.verdict == .clean && reporting.quiet ? "" : $0.text }
        }
        try batch.requireSuccess { $0.exitCode }
    }
}
