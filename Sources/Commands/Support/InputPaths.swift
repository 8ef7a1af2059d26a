import UD2MFormats

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The inputs of a command that takes many.
struct InputPaths {
    /// What stands for standard input.
    static let standardInput = "-"

    /// An argument, or one of the files that a pattern stands for.
    enum Item {
        case file(String)
        /// A pattern that matches nothing.
        case unmatched(UD2MError)
    }

    /// What was named, patterns replaced by the files they match, in order and without repetition.
    let items: [Item]
    /// Whether the command line named exactly one file rather than a pattern or several: its report then stands alone.
    let isSingle: Bool

    /// Expands patterns that the shell has left alone.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `input-pattern` when there are patterns only and none matches, or
    ///   `input-standard-input` when standard input is named twice.
    init(_ arguments: [String]) throws(UD2MError) {
        var items: [Item] = []
        var unmatched: UD2MError?
        var seen: Set<[UInt8]> = []
        var hasPattern = false
        if arguments.count(where: { $0 == Self.standardInput }) > 1 {
            throw UD2MError(
                .inputStandardInput, "Standard input (-) is named twice; it can be read only once.",
                remedy: "Save it to a file and name that.")
        }
        for argument in arguments {
            var found = [argument]
            // A file whose name looks like a pattern is that file.
            if argument.utf8.contains(where: { "*?[".utf8.contains($0) }), access(argument, F_OK) != 0 {
                hasPattern = true
                found = Self.matches(argument)
                if found.isEmpty {
                    let error = UD2MError(
                        .inputPattern, "No file matches the pattern.", at: .init(file: argument),
                        remedy: "Check the pattern.")
                    unmatched = unmatched ?? error
                    items.append(.unmatched(error))
                }
            }
            for path in found where seen.insert(Array(path.utf8)).inserted { items.append(.file(path)) }
        }
        if seen.isEmpty, let unmatched { throw unmatched }
        self.items = items
        isSingle = !hasPattern && arguments.count == 1
    }

    /// Takes inputs that are expanded already.
    init(items: [Item], isSingle: Bool) {
        self.items = items
        self.isSingle = isSingle
    }

    /// The files among ``items``.
    var files: [String] {
        items.compactMap { if case .file(let path) = $0 { path } else { nil } }
    }

    private static func matches(_ pattern: String) -> [String] {
        var result = glob_t()
        defer { globfree(&result) }
        guard glob(pattern, 0, nil, &result) == 0 else { return [] }
        return (0..<Int(result.gl_pathc)).compactMap { index in
            result.gl_pathv[index].map { String(cString: $0) }
        }
    }
}

extension UD2MError.Code {
    /// A pattern of file names matches no file.
    static let inputPattern = UD2MError.Code("input-pattern", .noInput)
    /// Standard input is named where a file is needed, or twice.
    static let inputStandardInput = UD2MError.Code("input-standard-input", .usage)
}
