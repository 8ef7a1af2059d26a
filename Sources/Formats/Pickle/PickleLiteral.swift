/// Values of a pickle as Python spells them, for keys that are no plain text.
struct PickleLiteral {
    private let graph: PickleGraph

    /// Bytes of a text that are shown; a longer one is told by its number.
    private static let maximumBytes = 4_096
    /// Bytes after which a tuple is cut short and told by its number.
    private static let maximumCharacters = 16_384

    init(_ graph: PickleGraph) {
        self.graph = graph
    }

    /// `'text'`, `b'bytes'`, `1.5`, `('a', 1)`; an object is `#` and its number in the pickle.
    func text(_ id: PickleNodeID) -> String {
        var out = ""
        // What is left to write, last first: a value, or text between values. A stack, since tuples nest.
        var rest: [(id: PickleNodeID?, text: String)] = [(id, "")]
        while let (next, text) = rest.popLast() {
            // Tuples may share a long text, or hold each other many times over.
            guard out.utf8.count < Self.maximumCharacters else { return out + "…#\(id.raw)" }
            guard let next else {
                out += text
                continue
            }
            guard case .tuple = graph[next], let items = graph.items(next), items.count < Self.maximumCharacters else {
                out += scalar(next)
                continue
            }
            rest.append((nil, items.count == 1 ? ",)" : ")"))
            for (index, item) in items.enumerated().reversed() {
                rest.append((item, ""))
                if index > 0 { rest.append((nil, ", ")) }
            }
            out += "("
        }
        return out
    }

    private func scalar(_ id: PickleNodeID) -> String {
        switch graph[id] {
        case .none: "None"
        case .bool(let value): value ? "True" : "False"
        case .integer(let value): String(value)
        case .float(let value): String(value)
        case .text(let slice), .byteString(let slice): quoted(slice, isText: true, id)
        case .bytes(let slice): "b" + quoted(slice, isText: false, id)
        case .global(let number): graph.global(number).qualifiedName
        case .record: encodedBytes(id).map { "b" + quoted($0[...], isText: false) } ?? "#\(id.raw)"
        default: "#\(id.raw)"
        }
    }

    /// Bytes as protocol 2 writes them; nil for other objects and for long ones.
    private func encodedBytes(_ id: PickleNodeID) -> [UInt8]? {
        graph.rawBytes(id).flatMap { $0.count <= Self.maximumBytes ? $0 : nil }
    }

    /// Quoted as Python does: quotes, backslashes and control characters escaped, and whatever is no UTF-8.
    private func quoted(_ slice: PickleSlice, isText: Bool, _ id: PickleNodeID) -> String {
        let bytes = graph.bytes(slice)
        guard bytes.count <= Self.maximumBytes else { return "'…'#\(id.raw)" }
        return quoted(bytes, isText: isText)
    }

    private func quoted(_ bytes: ArraySlice<UInt8>, isText: Bool) -> String {
        var out = "'"
        var rest = bytes[...]
        while let byte = rest.first {
            switch byte {
            case UInt8(ascii: "'"), UInt8(ascii: "\\"):
                out += "\\" + String(UnicodeScalar(byte))
                rest.removeFirst()
            case 0x20..<0x7F:
                out += String(UnicodeScalar(byte))
                rest.removeFirst()
            case 0xC2... where isText:
                let count = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
                let scalar = rest.prefix(count)
                if let text = String(validating: scalar, as: UTF8.self) {
                    out += text
                } else if isSurrogatePassUTF8(scalar), count == 3 {
                    let low = scalar.suffix(2).map { UInt32($0) & 0x3F }
                    out += "\\u" + Self.hexadecimal(0xD000 | low[0] << 6 | low[1], digits: 4)
                } else {
                    out += "\\x" + Self.hexadecimal(UInt32(byte), digits: 2)
                    rest.removeFirst()
                    continue
                }
                rest = rest.dropFirst(count)
            default:
                out += "\\x" + Self.hexadecimal(UInt32(byte), digits: 2)
                rest.removeFirst()
            }
        }
        return out + "'"
    }

    private static func hexadecimal(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
