/// A keyword and its text, stored inside a PNG file: how a restored image records the parameters that made it.
public struct ImageText: Sendable, Hashable {
    /// What the text is, such as `"parameters"` or `"Software"`.
    public let keyword: String
    /// The text; lines end with a line feed.
    public let text: String

    /// Creates an entry.
    ///
    /// - Throws: `ImageError` with `invalidArgument` unless the keyword is 1–79 printable ASCII characters without
    ///   space at either end or two in a row (PNG §11.3.3.2 allows Latin-1 too), and the text holds no zero character.
    public init(keyword: String, text: String) throws(ImageError) {
        let bytes = Array(keyword.utf8)
        let space = UInt8(ascii: " ")
        let isPlain =
            (1...79).contains(bytes.count) && bytes.allSatisfy { (0x20...0x7E).contains($0) }
            && bytes.first != space && bytes.last != space
            && !zip(bytes, bytes.dropFirst()).contains { $0 == space && $1 == space }
        guard isPlain else {
            throw ImageError(.invalidArgument, "a PNG keyword is 1 to 79 printable ASCII characters.")
        }
        guard !text.utf8.contains(0) else {
            throw ImageError(.invalidArgument, "PNG text holds no zero character.")
        }
        self.init(unchecked: keyword, text)
    }

    private init(unchecked keyword: String, _ text: String) {
        self.keyword = keyword
        self.text = text
    }

    /// Entries in the form of the C codec: `t` (Latin-1) or `i` (UTF-8), keyword, zero, text, zero.
    static func packed(_ entries: [ImageText]) -> [UInt8] {
        entries.flatMap { entry -> [UInt8] in
            let isPlain = entry.text.utf8.allSatisfy { $0 < 0x80 }
            let kind = isPlain ? UInt8(ascii: "t") : UInt8(ascii: "i")
            return [kind] + Array(entry.keyword.utf8) + [0] + Array(entry.text.utf8) + [0]
        }
    }

    /// The entries of a packed list; bytes that are not UTF-8 where they should be are repaired.
    static func unpacked(_ bytes: [UInt8]) -> [ImageText] {
        var entries: [ImageText] = []
        var rest = bytes[...]
        while let kind = rest.popFirst(), let keyword = popString(&rest), let text = popString(&rest) {
            let isUTF8 = kind == UInt8(ascii: "i")
            entries.append(
                ImageText(unchecked: latin1(keyword), isUTF8 ? String(decoding: text, as: UTF8.self) : latin1(text)))
        }
        return entries
    }

    private static func popString(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let zero = rest.firstIndex(of: 0) else { return nil }
        defer { rest = rest[(zero + 1)...] }
        return rest[..<zero]
    }

    private static func latin1(_ bytes: ArraySlice<UInt8>) -> String {
        String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }
}
