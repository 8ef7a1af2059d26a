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

    /// All bytes at once; the synthesised function would take them one by one.
    public func hash(into hasher: inout Hasher) {
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }

    /// The name as text, what is not UTF-8 escaped: lone surrogates, which pickles may hold, as `\u{d800}`, other bytes
    /// as `\x{ff}`. For display and for matching well-formed names.
    public var text: String { String(validating: bytes, as: UTF8.self) ?? escapedText }

    /// Whether the name is UTF-8, as every format but a pickle wants it.
    var isText: Bool { String(validating: bytes, as: UTF8.self) != nil }

    /// What to do about a tensor whose name a format cannot hold.
    static let refusedRemedy = "Leave it out with --exclude, where * stands for what cannot be typed."

    private var escapedText: String {
        var text = ""
        var rest = bytes[...]
        while let lead = rest.first {
            let width = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
            let sequence = rest.prefix(width)
            if let character = String(validating: sequence, as: UTF8.self) {
                text += character
                rest = rest.dropFirst(width)
            } else if width == 3, sequence.count == 3, isSurrogatePassUTF8(sequence) {
                let scalar = sequence.reduce(0) { $0 << 6 | UInt32($1 & 0x3F) } & 0xFFFF
                text += "\\u{\(String(scalar, radix: 16))}"
                rest = rest.dropFirst(3)
            } else {
                text += "\\x{\(String(lead, radix: 16))}"
                rest = rest.dropFirst()
            }
        }
        return text
    }

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
