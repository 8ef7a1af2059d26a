/// A shell-style pattern over bytes: `*` any run, `?` one byte, `[a-z]` and `[!a-z]` one of a set, `\` takes the next byte
/// as it is.
///
/// Matching takes time in proportion to pattern × name at worst, whatever the pattern.
struct GlobPattern {
    private enum Item {
        case byte(UInt8)
        case any
        case run
        case set([ClosedRange<UInt8>], isNegated: Bool)
    }

    private let items: [Item]

    /// Reads a pattern; a bracket without its end stands for itself.
    init(_ pattern: String) {
        let bytes = Array(pattern.utf8)
        var items: [Item] = []
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "*"): items.append(.run)
            case UInt8(ascii: "?"): items.append(.any)
            case UInt8(ascii: "\\") where index + 1 < bytes.count:
                index += 1
                items.append(.byte(bytes[index]))
            case UInt8(ascii: "["):
                if let (set, end) = Self.set(bytes, from: index + 1) {
                    items.append(set)
                    index = end
                } else {
                    items.append(.byte(bytes[index]))
                }
            default: items.append(.byte(bytes[index]))
            }
            index += 1
        }
        self.items = items
    }

    /// The set that starts at `start`, and the index of its closing bracket.
    private static func set(_ bytes: [UInt8], from start: Int) -> (Item, Int)? {
        var index = start
        let isNegated = index < bytes.count && (bytes[index] == UInt8(ascii: "!") || bytes[index] == UInt8(ascii: "^"))
        if isNegated { index += 1 }
        var ranges: [ClosedRange<UInt8>] = []
        while index < bytes.count {
            // A bracket that comes first is a member.
            if bytes[index] == UInt8(ascii: "]"), !ranges.isEmpty { return (.set(ranges, isNegated: isNegated), index) }
            if index + 2 < bytes.count, bytes[index + 1] == UInt8(ascii: "-"), bytes[index + 2] != UInt8(ascii: "]") {
                let (low, high) = (bytes[index], bytes[index + 2])
                ranges.append(min(low, high)...max(low, high))
                index += 3
            } else {
                ranges.append(bytes[index]...bytes[index])
                index += 1
            }
        }
        return nil
    }

    /// Whether the whole name matches.
    func matches(_ name: some RandomAccessCollection<UInt8>) -> Bool {
        let name = Array(name)
        var item = 0
        var position = 0
        // The last run met, and how much of the name it has taken so far: only that one is ever tried again.
        var retry: (item: Int, position: Int)?
        while position < name.count {
            if item < items.count, case .run = items[item] {
                retry = (item + 1, position)
                item += 1
            } else if item < items.count, fits(items[item], name[position]) {
                item += 1
                position += 1
            } else if let last = retry {
                retry = (last.item, last.position + 1)
                item = last.item
                position = last.position + 1
            } else {
                return false
            }
        }
        return items[item...].allSatisfy { if case .run = $0 { true } else { false } }
    }

    private func fits(_ item: Item, _ byte: UInt8) -> Bool {
        switch item {
        case .byte(let wanted): byte == wanted
        case .any: true
        case .run: false
        case .set(let ranges, let isNegated): ranges.contains { $0.contains(byte) } != isNegated
        }
    }
}
