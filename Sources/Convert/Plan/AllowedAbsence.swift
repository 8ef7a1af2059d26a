import UD2MFormats

/// Which tensors of a network a checkpoint may lack.
public struct AllowedAbsence: Sendable, Equatable {
    /// Regular expressions, searched for anywhere in the name that the checkpoint would have for the tensor.
    public let patterns: [String]

    /// Nothing may be missing.
    public static let none = AllowedAbsence()

    private init() { patterns = [] }

    /// Allows what any of the patterns is found in.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `allow-missing` for one that is too long or no regular expression.
    public init(patterns: [String]) throws(UD2MError) {
        self.patterns = patterns
        _ = try compiled()
    }

    /// The names that may be missing.
    func allowed(among names: [TensorName]) -> [TensorName] {
        guard !patterns.isEmpty, let expressions = try? compiled() else { return [] }
        return names.filter { name in expressions.contains { $0.isFound(in: name) } }
    }

    private func compiled() throws(UD2MError) -> [NameExpression] {
        var expressions: [NameExpression] = []
        for pattern in patterns { expressions.append(try NameExpression(pattern, code: .allowMissing)) }
        return expressions
    }
}

extension UD2MError.Code {
    /// A pattern of tensors that may be missing is no regular expression.
    public static let allowMissing = UD2MError.Code("allow-missing", .usage)
}
