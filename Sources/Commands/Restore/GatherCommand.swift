import ArgumentParser
import UD2MFormats

/// `ud2m gather`: what the shards of a long run have done together.
struct GatherCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gather",
        abstract: "Check what the shards of ud2m restore --resume have done, and join their records.",
        usage: "ud2m gather <outputs> [<image> ...]",
        discussion: """
            OUTPUTS is the folder that the shards restored into; their records are in its ledger folder. Every output is \
            read and compared with its record. With IMAGEs, named as they were for ud2m restore, those without a \
            finished output are listed too. The exit code is 1 when an image is missing, or an output is not there or \
            not as it was written.
            """)

    @Argument(help: "The folder of outputs.")
    var outputs: String

    @Argument(help: "The images that should be done: files, patterns, folders.")
    var images: [String] = []

    @Flag(help: "Look into folders inside folders of images.")
    var recursive = false

    @Option(help: ArgumentHelp("Write a line for each finished image.", valueName: "csv"))
    var csv: String?

    @Flag(help: "Replace an existing CSV file.")
    var force = false

    @OptionGroup
    var reporting: OutputOptions

    func run() throws {
        if let csv { try OutputFile.requireWritable(csv, overwrite: force, inputs: []) }
        let folder = outputs.hasSuffix("/") ? outputs : outputs + "/"
        let wanted = images.isEmpty ? nil : try RestoreInputs(images, isRecursive: recursive)
        // A pattern that matches nothing is a mistake here: nothing else would tell that images are missing.
        if case .unmatched(let error) = wanted?.items.first(where: { if case .unmatched = $0 { true } else { false } })
        {
            throw error
        }
        let report = GatherReport(
            folder: outputs, records: try RestoreLedger.records(in: folder), wanted: wanted?.images.map(\.path))
        guard report.records > 0 else {
            throw UD2MError(
                .ledgerEmpty, "There is no record of a finished image.", at: .init(file: folder + "ledger"),
                remedy: "Restore into this folder with --resume first.")
        }
        if let csv {
            let bytes = Array(report.csvText.utf8)
            try OutputSet([csv], overwrite: force, inputs: []).write([(csv, bytes)])
        }
        if reporting.json {
            try JSONOutput.print(report)
        } else {
            try StandardOutput.print(report.text(isQuiet: reporting.quiet))
        }
        if !report.isComplete { throw ExitCode(ExitCodes.negative) }
    }
}

extension UD2MError.Code {
    /// A folder has no ledger, or an empty one.
    static let ledgerEmpty = UD2MError.Code("ledger-empty", .noInput)
}
