import Foundation
import UD2MTestSupport

/// A file under `Sources`, as the rules of the code base see it.
struct SourceFile {
    /// The path from `Sources`.
    let path: String
    let lines: [String]

    /// The folder from `Sources`.
    var folder: String { path.split(separator: "/").dropLast().joined(separator: "/") }

    /// Whether the file is written by a script; such files say so in their name.
    var isGenerated: Bool { path.contains("+Generated.") }

    /// The modules a Swift file imports.
    var imports: [String] { lines.compactMap(Self.imported) }

    /// The module that a line imports.
    static func imported(_ line: String) -> String? {
        var words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)[...]
        let modifiers: Set<String> = ["public", "package", "internal", "fileprivate", "private"]
        while let first = words.first, modifiers.contains(first) || first.hasPrefix("@") { words.removeFirst() }
        guard words.popFirst() == "import", var name = words.popFirst() else { return nil }
        let kinds: Set<String> = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]
        if kinds.contains(name), let next = words.first { name = next }
        return name.split(separator: ".").first.map(String.init)
    }

    /// Every source file: Swift, C and C++.
    static func all() throws -> [SourceFile] {
        let folder = RepositoryPaths.root.appending(path: "Sources")
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path(percentEncoded: false))
        let suffixes = [".swift", ".c", ".h", ".cpp", ".hpp", ".cu"]
        return try names.filter { name in suffixes.contains { name.hasSuffix($0) } }.sorted().map { name in
            let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            return SourceFile(
                path: name, lines: text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
        }
    }
}
