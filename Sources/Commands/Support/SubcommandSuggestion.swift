import ArgumentParser
import UD2MFormats

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Tells people who mistype a subcommand so, where the word would be taken for the input of the default one.
enum SubcommandSuggestion {
    /// Throws when the first argument names neither a subcommand nor a file and resembles a subcommand.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `usage` and the suggestion.
    static func check(_ arguments: [String], for tool: CommandConfiguration) throws {
        let names = tool.subcommands.compactMap { $0.configuration.commandName }
        guard let word = arguments.first, !word.hasPrefix("-"), !word.utf8.contains(where: { "./".utf8.contains($0) }),
            !names.contains(word), word != "help", !FileManager.default.fileExists(atPath: word),
            let closest = closest(to: word, among: names)
        else { return }
        throw UD2MError(
            .usage, "'\(word)' is no subcommand, and no such file exists.",
            remedy: "Did you mean \(tool.commandName ?? "") \(closest)?")
    }

    private static func closest(to word: String, among names: [String]) -> String? {
        let closest = names.min { distance(word, $0) < distance(word, $1) }
        return closest.flatMap { distance(word, $0) <= max(1, $0.utf8.count / 3) ? $0 : nil }
    }

    /// How many letters must be changed, added, dropped or swapped with their neighbour to turn one word into the other.
    static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a.utf8.prefix(64)), Array(b.utf8.prefix(64)))
        var rows = [Array(0...b.count)]
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var best = min(rows[i][j] + (a[i] == b[j] ? 0 : 1), row[j] + 1, rows[i][j + 1] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
