import ArgumentParser
import UD2MFormats

/// Runs a command's work over many inputs: one that fails does not stop the others.
struct Batch<Report: Encodable & Sendable> {
    /// What became of one input.
    enum Outcome {
        case done(Report)
        case failed(path: String, error: UD2MError)
    }

    /// The outcomes in the order of the inputs.
    let outcomes: [Outcome]
    /// Whether the report stands alone; else each is one of several, also where a pattern matches one file.
    let isSingle: Bool

    /// Does the work; a single input's error is thrown.
    init(_ inputs: InputPaths, _ work: (String) throws -> Report) throws {
        isSingle = inputs.isSingle
        var outcomes: [Outcome] = []
        for item in inputs.items {
            switch item {
            case .unmatched(let error): outcomes.append(.failed(path: error.location.file ?? "", error: error))
            case .file(let path):
                do {
                    outcomes.append(.done(try work(path)))
                } catch let error as UD2MError {
                    if inputs.isSingle { throw error }
                    outcomes.append(.failed(path: path, error: error))
                }
            }
        }
        self.outcomes = outcomes
    }

    /// The finished reports.
    var reports: [Report] {
        outcomes.compactMap { if case .done(let report) = $0 { report } else { nil } }
    }

    /// Prints one object: the report of a single input, or a list under `files`.
    func printJSON() throws {
        if isSingle, let report = reports.first { return try JSONOutput.print(report) }
        try JSONOutput.print(["files": entries])
    }

    /// The outcomes as they are reported.
    var entries: [Entry] { outcomes.map(Entry.init) }

    /// Prints each report as text, and errors to standard error.
    func printText(_ text: (Report) -> String) throws {
        for outcome in outcomes {
            switch outcome {
            case .done(let report):
                let text = text(report)
                if !text.isEmpty { try StandardOutput.print(text) }
            case .failed(_, let error): StandardError.print("error: \(error)")
            }
        }
    }

    /// The exit code: `negative` of the worst report; 3 when only some inputs failed, else the first failure's own.
    func exitCode(negative: (Report) -> Int32) -> Int32 {
        let worst = reports.map(negative).max() ?? ExitCodes.success
        let errors = outcomes.compactMap { if case .failed(_, let error) = $0 { error } else { nil } }
        guard let first = errors.first else { return worst }
        if reports.isEmpty { return ExitCodes.code(for: first.code.category) }
        return max(worst, ExitCodes.partial)
    }

    /// Ends the command with a code that is not success.
    func requireSuccess(negative: (Report) -> Int32) throws {
        let code = exitCode(negative: negative)
        if code != ExitCodes.success { throw ExitCode(code) }
    }

    /// A report, or `{"path": …, "error": {…}}`.
    struct Entry: Encodable {
        private let outcome: Outcome

        fileprivate init(_ outcome: Outcome) { self.outcome = outcome }

        private struct Failure: Encodable {
            let path: String
            let error: ErrorReport.Body
        }

        func encode(to encoder: any Encoder) throws {
            switch outcome {
            case .done(let report): try report.encode(to: encoder)
            case .failed(let path, let error):
                try Failure(path: path, error: ErrorReport(error).error).encode(to: encoder)
            }
        }
    }
}
