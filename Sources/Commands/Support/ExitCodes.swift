import UD2MFormats

/// Exit codes of every tool, after sysexits; `docs/exit-codes.md` explains them (`ux.md` §4.4).
public enum ExitCodes {
    /// Everything asked for was done.
    public static let success: Int32 = 0
    /// A check ran and its answer is no.
    public static let negative: Int32 = 1
    /// Some items of a batch failed; the others were done.
    public static let partial: Int32 = 3

    /// Nobody reads the output any more: what a shell reports of a filter that SIGPIPE ended.
    public static let brokenPipe: Int32 = 141

    /// The exit code of a family of errors.
    public static func code(for category: UD2MError.Category) -> Int32 {
        switch category {
        case .usage: 64
        case .badData: 65
        case .noInput: 66
        case .unavailable: 69
        case .internalBug: 70
        case .cannotCreate: 73
        case .inputOutput: 74
        case .retry: 75
        case .refused: 77
        }
    }
}
