/// One step from a container to what it holds (`formats.md` §4).
enum TorchPathComponent {
    /// A dict key.
    case key(PickleNodeID)
    /// A position in a list, tuple or set.
    case index(Int)
    /// An attribute of an object.
    case attribute(PickleNodeID)
    /// A positional argument of a call.
    case argument(Int)
    /// A state that is no table of attributes.
    case state
    /// The callable itself, where it is no global.
    case callable
    /// A name made of several, such as a module's.
    case name(String)
}

/// Paths that share their beginnings, so that a step costs the same at any depth.
struct TorchPaths {
    private var steps: [(parent: Int, owner: PickleNodeID, component: TorchPathComponent)] = []

    /// Bytes of a key that a path shows as it is.
    private static let maximumComponentBytes = 4_096

    /// The path of the root object.
    static let root = -1

    /// The path one step on from `owner`, which is at `parent`.
    mutating func extend(_ parent: Int, _ component: TorchPathComponent, from owner: PickleNodeID) -> Int {
        steps.append((parent, owner, component))
        return steps.count - 1
    }

    /// Whether a path leads through a value.
    func passes(through id: PickleNodeID, on path: Int) -> Bool {
        var path = path
        while path >= 0 {
            if steps[path].owner == id { return true }
            path = steps[path].parent
        }
        return false
    }

    /// The components of a path as text.
    func components(_ path: Int, in graph: PickleGraph, work: inout GraphWork) throws -> [String] {
        var components: [String] = []
        var path = path
        while path >= 0 {
            let component = text(steps[path].component, in: graph)
            try work.charge(1 + component.utf8.count / 8)
            components.append(component)
            path = steps[path].parent
        }
        return components.reversed()
    }

    private func text(_ component: TorchPathComponent, in graph: PickleGraph) -> String {
        switch component {
        case .key(let id): keyText(id, in: graph)
        case .index(let index): String(index)
        case .attribute(let id): "@attr:" + keyText(id, in: graph)
        case .argument(let index): "@arg:\(index)"
        case .state: "@state"
        case .callable: "@callable"
        case .name(let name): name
        }
    }

    /// A text key as it is; None, booleans and integers as Python prints them; anything else, and text that would be
    /// taken for one of those, as `@key:` and its Python literal. Distinct keys have distinct texts.
    private func keyText(_ id: PickleNodeID, in graph: PickleGraph) -> String {
        switch graph[id] {
        case .none, .bool, .integer:
            return PickleLiteral(graph).text(id)
        case .text(let slice), .byteString(let slice):
            let bytes = graph.bytes(slice)
            guard bytes.count <= Self.maximumComponentBytes, let text = String(validating: bytes, as: UTF8.self),
                !Self.readsAsOtherKey(text)
            else { return "@key:" + PickleLiteral(graph).text(id) }
            return text
        default:
            return "@key:" + PickleLiteral(graph).text(id)
        }
    }

    /// Whether text is spelled as another kind of component is.
    private static func readsAsOtherKey(_ text: String) -> Bool {
        if text.utf8.first == UInt8(ascii: "@") || ["None", "True", "False"].contains(text) { return true }
        let digits = text.utf8.drop { $0 == UInt8(ascii: "-") }
        return !digits.isEmpty && digits.allSatisfy { (0x30...0x39).contains($0) }
    }
}
