/// A pickled `torch.nn.Module` of any class: an object whose attributes include `_parameters` and `_modules`.
struct TorchModule {
    /// The attributes in order.
    let attributes: [(key: PickleNodeID, value: PickleNodeID)]
    private let graph: PickleGraph

    init?(_ record: PickleRecord, in graph: PickleGraph) {
        guard record.states >= 0 else { return nil }
        self.attributes = graph.attributes(record).named
        self.graph = graph
        guard table("_parameters") != nil, table("_modules") != nil else { return nil }
    }

    /// The entries of an attribute that is a dict.
    func table(_ name: String) -> [(key: PickleNodeID, value: PickleNodeID)]? {
        value(name).flatMap(graph.mapping)
    }

    /// The value of an attribute.
    func value(_ name: String) -> PickleNodeID? {
        attributes.last { graph.textBytes($0.key)?.elementsEqual(name.utf8) ?? false }?.value
    }

    /// Names of buffers that a state dict leaves out.
    var transientBuffers: Set<TensorName> {
        guard let set = value("_non_persistent_buffers_set") else { return [] }
        var items = graph.items(set) ?? []
        if case .record(let number) = graph[set], let first = graph.arguments(graph.record(number)).first {
            items = graph.items(first) ?? []
        }
        return Set(items.compactMap { graph.textBytes($0).map { TensorName(bytes: $0) } })
    }
}

/// Rebuilds the state-dict names of a whole pickled module without knowing its class (`formats.md` §4, end).
struct TorchModuleNames {
    /// Parameters and persistent buffers with their dotted names, in the order PyTorch lists them.
    private(set) var tensors: [(name: TensorName, id: PickleNodeID)] = []
    /// Values whose tensors are named by this.
    private(set) var entered: [PickleNodeID] = []
    /// Everything else the modules hold.
    private(set) var rest: [(component: TorchPathComponent, id: PickleNodeID)] = []

    private let graph: PickleGraph
    private let limits: Limits
    private var visits = 0
    private var onPath = Set<PickleNodeID>()
    private var restSeen = Set<PickleNodeID>()

    init(graph: PickleGraph, limits: Limits) {
        self.graph = graph
        self.limits = limits
    }

    private enum Step {
        case enter(TorchModule, prefix: [UInt8], id: PickleNodeID?, depth: Int)
        case leave(PickleNodeID)
    }

    /// Collects the names of `root` and of every module below it.
    /// - Throws: ``UD2MError`` with code `torch-tensor-limit` when modules shared by modules multiply without end.
    mutating func collect(_ root: TorchModule) throws {
        var steps: [Step] = [.enter(root, prefix: [], id: nil, depth: 0)]
        while let step = steps.popLast() {
            switch step {
            case .leave(let id):
                onPath.remove(id)
            case .enter(let module, let prefix, let id, let depth):
                if let id {
                    // A module inside itself has no finite set of names.
                    guard onPath.insert(id).inserted else { continue }
                    steps.append(.leave(id))
                }
                visits += 1
                guard visits <= limits.tensors else {
                    throw UD2MError(
                        .torchTensorLimit, "The modules multiply beyond \(limits.tensors).",
                        at: .init(entry: graph.entry))
                }
                try addTensors(of: module, prefix: prefix)
                let children = childSteps(of: module, prefix: prefix, depth: depth)
                steps.append(contentsOf: children.reversed())
                addRest(of: module, prefix: prefix)
            }
        }
    }

    private mutating func addTensors(of module: TorchModule, prefix: [UInt8]) throws {
        let transient = module.transientBuffers
        for (attribute, skips) in [("_parameters", []), ("_buffers", transient)] {
            if let table = module.value(attribute) { entered.append(table) }
            for (key, value) in module.table(attribute) ?? [] {
                if case .none = graph[value] { continue }
                guard let name = graph.textBytes(key) else { continue }
                guard !skips.contains(TensorName(bytes: name)) else {
                    addRest(.name(String(decoding: prefix + name, as: UTF8.self)), value)
                    continue
                }
                tensors.append((TensorName(bytes: prefix + name), value))
                guard tensors.count <= limits.tensors, prefix.count <= limits.nameBytes else {
                    throw UD2MError(
                        .torchTensorLimit, "The modules hold more than \(limits.tensors) tensors.",
                        at: .init(entry: graph.entry))
                }
            }
        }
    }

    private mutating func childSteps(of module: TorchModule, prefix: [UInt8], depth: Int) -> [Step] {
        var steps: [Step] = []
        if let table = module.value("_modules") { entered.append(table) }
        for (key, value) in module.table("_modules") ?? [] {
            guard let name = graph.textBytes(key) else {
                addRest(.key(key), value)
                continue
            }
            if case .record(let number) = graph[value], depth < limits.walkDepth,
                let child = TorchModule(graph.record(number), in: graph)
            {
                entered.append(value)
                steps.append(
                    .enter(child, prefix: prefix + name + [UInt8(ascii: ".")], id: value, depth: depth + 1))
            } else {
                addRest(.name(String(decoding: prefix + name, as: UTF8.self)), value)
            }
        }
        return steps
    }

    private mutating func addRest(of module: TorchModule, prefix: [UInt8]) {
        for (key, value) in module.attributes {
            let name = graph.text(key) ?? ""
            if ["_parameters", "_buffers", "_modules"].contains(name) { continue }
            addRest(.name(String(decoding: prefix, as: UTF8.self) + "@attr:" + name), value)
        }
    }

    private mutating func addRest(_ component: TorchPathComponent, _ id: PickleNodeID) {
        guard restSeen.insert(id).inserted else { return }
        rest.append((component, id))
    }
}
