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
    let container: String
    let verdict: Verdict
    let findings: [ConvertReport.Finding]

    /// Judges findings; with `strict`, unknown classes are suspicious too.
    init(_ checkpoint: Checkpoint, strict: Bool) {
        path = checkpoint.path
        container = checkpoint.container.rawValue
        findings = checkpoint.findings.map { .init($0) }
        switch checkpoint.findings.map(\.severity).max() {
        case .dangerous: verdict = .dangerous
        case .suspicious: verdict = .suspicious
        case .note: verdict = strict ? .suspicious : .clean
        case nil: verdict = .clean
        }
    }

    /// The report as lines for a person.
    var text: String {
        let lines = findings.map { item in
            "  \(item.severity) \(item.global.escapedForDisplay) at \(item.entry.escapedForDisplay) byte "
                + "\(item.byteOffset), opcode \(item.opcodeIndex): \(item.message.escapedForDisplay)"
        }
        return (["\(path.escapedForDisplay): \(verdict.rawValue), \(container)"] + lines).joined(separator: "\n")
    }
}
