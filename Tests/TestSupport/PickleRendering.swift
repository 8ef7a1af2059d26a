import UD2MFormats

/// Writes small pickle graphs as text, for comparison in tests.
package enum PickleRendering {
    /// The value as text: Python's spelling where there is one, `module.name(…)` for calls.
    package static func text(_ graph: PickleGraph, _ id: PickleNodeID? = nil, depth: Int = 0) -> String {
        guard depth < 8 else { return "…" }
        let id = id ?? graph.root
        func inner(_ id: PickleNodeID) -> String { text(graph, id, depth: depth + 1) }
        func list(_ items: some Sequence<PickleNodeID>) -> String { items.map(inner).joined(separator: ", ") }
        switch graph[id] {
        case .none: return "None"
        case .bool(let value): return value ? "True" : "False"
        case .integer(let value): return String(value)
        case .bigInteger(let slice): return "big:" + hex(graph.bytes(slice))
        case .float(let value): return String(value)
        case .text(let slice): return "'" + String(decoding: graph.bytes(slice), as: UTF8.self) + "'"
        case .byteString(let slice): return "str:" + hex(graph.bytes(slice))
        case .bytes(let slice): return "b:" + hex(graph.bytes(slice))
        case .tuple: return "(" + list(graph.items(id) ?? []) + ")"
        case .list: return "[" + list(graph.items(id) ?? []) + "]"
        case .set: return "{" + list(graph.items(id) ?? []) + "}"
        case .frozenSet: return "frozenset{" + list(graph.items(id) ?? []) + "}"
        case .dict:
            let pairs = graph.mapping(id) ?? []
            return "{" + pairs.map { inner($0.key) + ": " + inner($0.value) }.joined(separator: ", ") + "}"
        case .global(let number): return graph.global(number).qualifiedName
        case .persistentID(let key, _): return "@" + inner(key)
        case .record(let number):
            let record = graph.record(number)
            var out = inner(record.callable) + (record.form == .newObject ? ".new" : "") + inner(record.arguments)
            if case .dict = graph[record.keywords] { out += "**" + inner(record.keywords) }
            let states = graph.states(record)
            if !states.isEmpty { out += " state " + list(states) }
            let items = graph.appendedItems(record)
            if !items.isEmpty { out += " items " + list(items) }
            return out
        }
    }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
