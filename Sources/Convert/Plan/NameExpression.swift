import UD2MFormats

/// A regular expression that is searched for anywhere in the names of tensors.
struct NameExpression {
    /// Bytes of a pattern at most.
    static let maximumBytes = 1 << 10

    private let regex: Regex<AnyRegexOutput>

    /// Compiles a pattern.
    /// - Throws: ``UD2MFormats/UD2MError`` with `code` for a pattern that is too long or no regular expression.
    init(_ pattern: String, code: UD2MError.Code) throws(UD2MError) {
        guard pattern.utf8.count <= Self.maximumBytes else {
            throw UD2MError(code, "A pattern of names is longer than \(Self.maximumBytes) bytes.")
        }
        do {
            regex = try Regex(pattern)
        } catch {
            throw UD2MError(code, "'\(pattern)' is no regular expression.")
        }
    }

    /// Whether the expression is found in a name.
    func isFound(in name: TensorName) -> Bool {
        (try? regex.firstMatch(in: name.text)) != nil
    }
}
