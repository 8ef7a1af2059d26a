import UD2MFormats

/// A report on one state dict of a file, with what is to be said beside it.
struct SelectedReport<Report: Encodable & Sendable>: Encodable, Sendable {
    let report: Report
    /// What else the file holds.
    let rest: CheckpointRest
    /// Which patterns do nothing.
    let patterns: NameFilter.Outcome

    /// The report alone: it lists the rest and the patterns itself.
    func encode(to encoder: any Encoder) throws { try report.encode(to: encoder) }

    /// Says on standard error what was left aside, and which patterns do nothing.
    func warn(quiet: Bool) {
        rest.warn(quiet: quiet)
        patterns.warn()
    }

    /// 1 when an included pattern matches nothing or nothing is left.
    var exitCode: Int32 { patterns.isNegative ? ExitCodes.negative : ExitCodes.success }
}
