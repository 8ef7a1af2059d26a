import ArgumentParser
import UD2MFormats

/// Flags of every command that can work on some tensors only.
struct NameFilterFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Only tensors whose name matches; may be repeated. Exits with 1 when nothing matches.", valueName: "glob"))
    var include: [String] = []

    @Option(help: ArgumentHelp("Leave out tensors whose name matches; may be repeated.", valueName: "glob"))
    var exclude: [String] = []

    /// The test that the flags ask for.
    var filter: NameFilter { NameFilter(include: include, exclude: exclude) }
}

/// Chooses tensors by name.
struct NameFilter {
    private struct Pattern {
        let text: String
        let glob: GlobPattern
    }

    private let include: [Pattern]
    private let exclude: [Pattern]

    init(include: [String], exclude: [String]) {
        self.include = include.map { Pattern(text: $0, glob: GlobPattern($0)) }
        self.exclude = exclude.map { Pattern(text: $0, glob: GlobPattern($0)) }
    }

    /// Whether a tensor is wanted.
    func accepts(_ name: TensorName) -> Bool {
        (include.isEmpty || include.contains { $0.glob.matches(name.bytes) })
            && !exclude.contains { $0.glob.matches(name.bytes) }
    }

    /// What the patterns come to among names.
    func outcome(among names: [TensorName]) -> Outcome {
        func unmatched(_ patterns: [Pattern]) -> [String] {
            patterns.filter { pattern in !names.contains { pattern.glob.matches($0.bytes) } }.map(\.text)
        }
        let isFilter = !include.isEmpty || !exclude.isEmpty
        return Outcome(
            unmatchedIncludes: unmatched(include), unmatchedExcludes: unmatched(exclude),
            leavesNothing: isFilter && !names.contains(where: accepts))
    }

    /// Patterns that do nothing, which are most likely misspelt.
    struct Outcome {
        let unmatchedIncludes: [String]
        let unmatchedExcludes: [String]
        /// Whether the patterns together leave no tensor.
        let leavesNothing: Bool

        /// Whether the command must not look like a success.
        var isNegative: Bool { !unmatchedIncludes.isEmpty || leavesNothing }

        /// All patterns without a match, for reports.
        var unmatched: [String] { unmatchedIncludes + unmatchedExcludes }

        /// Says so on standard error.
        func warn() {
            for pattern in unmatched {
                StandardError.print("warning: no tensor matches the pattern '\(pattern.escapedForDisplay)'")
            }
            if leavesNothing, unmatchedIncludes.isEmpty {
                StandardError.print("warning: the patterns leave no tensor")
            }
        }
    }
}
