import UD2MFormats

/// The result of `ud2m-convert scan` for one file (`schemas/scan.schema.json`).
struct ScanReport: Encodable {
    /// What to think of a file.
    enum Verdict: String, Encodable {
        /// Nothing but data, and classes that cannot do harm by name.
        case clean
        /// Unusual: look before loading it in Python.
        case suspicious
        /// Would run code in Python.
        case dangerous

        /// The exit code that says so.
        var exitCode: Int32 {
            switch self {
            case .clean: ExitCodes.success
            case .suspicious: ExitCodes.negative
            case .dangerous: ExitCodes.code(for: .refused)
            }
        }
    }

    let tool = "ud2m-convert"
    let version = Version.current
    let path: String
    /// Absent when the file could not be read to its end.
    let container: String?
    let verdict: Verdict
    let findings: [ConvertReport.Finding]
    /// What ended the reading; absent when the file was read to its end.
    let error: ErrorReport.Body?
    private let errorText: String?

    private enum CodingKeys: CodingKey { case tool, version, path, container, verdict, findings, error }

    /// Judges findings; with `strict`, unknown classes are suspicious too.
    init(_ scan: CheckpointScan, strict: Bool) {
        path = scan.path
        container = scan.container?.rawValue
        findings = scan.findings.map { .init($0) }
        error = scan.error.map { ErrorReport($0).error }
        errorText = scan.error.map { "\($0)" }
        switch scan.findings.map(\.severity).max() {
        case .dangerous: verdict = .dangerous
        case .suspicious: verdict = .suspicious
        case .note: verdict = strict || scan.error != nil ? .suspicious : .clean
        case nil: verdict = scan.error != nil ? .suspicious : .clean
        }
    }

    /// The verdict's exit code, or that of the error when nothing dangerous was found before it.
    var exitCode: Int32 { verdict == .dangerous ? verdict.exitCode : error?.exitCode ?? verdict.exitCode }

    /// The report as lines for a person.
    var text: String {
        let lines = findings.map { item in
            // What is no global, such as bytes after the pickle, has no name.
            "  \(item.severity)" + (item.global.isEmpty ? "" : " \(item.global.escapedForDisplay)")
                + " at \(item.entry.escapedForDisplay) byte "
                + "\(item.byteOffset), opcode \(item.opcodeIndex): \(item.message.escapedForDisplay)"
        }
        let ending = errorText.map { ["  broken off: \($0)"] } ?? []
        let what = container ?? "not read to its end"
        return (["\(path.escapedForDisplay): \(verdict.rawValue), \(what)"] + lines + ending).joined(separator: "\n")
    }
}
