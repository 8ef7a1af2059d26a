/// The name of a tensor, compared and sorted by its bytes.
///
/// Swift's `String` equality is canonical equivalence, under which different names of a file can be equal
/// (`formats.md` §15.1); the bytes never are.
public struct TensorName: Sendable, Hashable, Comparable {
    /// The name as the file spells it: UTF-8, or whatever bytes a pickle held.
    public let bytes: [UInt8]

    /// Creates a name from raw bytes.
    public init(bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
    }

    /// Creates a name from text.
    public init(_ text: some StringProtocol) {
        self.bytes = Array(text.utf8)
    }

    /// The name as text, bytes that are not UTF-8 repaired; for display and for matching well-formed names.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Orders names by bytes.
    public static func < (lhs: TensorName, rhs: TensorName) -> Bool {
        lhs.bytes.lexicographicallyPrecedes(rhs.bytes)
    }

    /// Whether the name starts with the text's bytes.
    public func hasPrefix(_ prefix: some StringProtocol) -> Bool {
        bytes.starts(with: prefix.utf8)
    }

    /// The name without its first `count` bytes.
    public func dropFirst(_ count: Int) -> TensorName {
        TensorName(bytes: bytes.dropFirst(count))
    }
}

extension TensorName: ExpressibleByStringLiteral {
    /// Creates a name from a literal.
    public init(stringLiteral value: String) {
        self.init(value)
    }
}

extension TensorName: CustomStringConvertible {
    /// The name with control characters escaped.
    public var description: String { text.escapedForDisplay }
}
