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

    /// Bytes of a key that a path shows.
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

    private func keyText(_ id: PickleNodeID, in graph: PickleGraph) -> String {
        switch graph[id] {
        case .none: "None"
        case .bool(let value): value ? "True" : "False"
        case .integer(let value): String(value)
        case .float(let value): String(value)
        case .text(let slice), .byteString(let slice), .bytes(let slice):
            String(decoding: graph.bytes(slice).prefix(Self.maximumComponentBytes), as: UTF8.self)
        case .global(let number): graph.global(number).qualifiedName
        default: "@key:\(id.raw)"
        }
    }
}
