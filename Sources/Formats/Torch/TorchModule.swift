/// A pickled `torch.nn.Module` of any class: an object whose attributes include `_parameters` and `_modules`, or one of
/// TorchScript, whose attributes are its tensors and submodules themselves (`formats.md` §7).
struct TorchModule {
    /// Whether this is an object of TorchScript.
    let isScript: Bool
    /// The attributes in order.
    let attributes: [(key: PickleNodeID, value: PickleNodeID)]
    private let graph: PickleGraph

    init?(_ record: PickleRecord, in graph: PickleGraph, work: inout GraphWork) throws {
        guard record.states >= 0 else { return nil }
        try work.charge(graph.attributesCost(record))
        self.attributes = graph.attributes(record).named
        self.graph = graph
        self.isScript = Self.isScriptClass(record, in: graph)
        if isScript { return }
        guard table("_parameters") != nil, table("_modules") != nil else { return nil }
    }

    /// Whether an object is of a TorchScript class; custom classes, such as packed parameters, are opaque.
    static func isScriptClass(_ record: PickleRecord, in graph: PickleGraph) -> Bool {
        guard let name = graph.global(record.callable)?.qualifiedName else { return false }
        return name.hasPrefix("__torch__.") && !name.hasPrefix("__torch__.torch.classes.")
    }

    /// Whether a value is built as a tensor or is a bare storage.
    static func isTensor(_ id: PickleNodeID, in graph: PickleGraph) -> Bool {
        switch graph[id] {
        case .persistentID: return true
        case .record(let number):
            let record = graph.record(number)
            return record.form == .reduce && graph.global(record.callable).flatMap { TorchBuilder($0) } != nil
        default: return false
        }
    }

    /// The entries of an attribute that is a dict.
    func table(_ name: String) -> [(key: PickleNodeID, value: PickleNodeID)]? {
        value(name).flatMap(graph.mapping)
    }

    /// What looking through the module's tables costs.
    var cost: Int {
        ["_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"].reduce(attributes.count) { cost, name in
            guard let id = value(name) else { return cost }
            return cost + graph.mappingCost(id) + (graph.items(id)?.count ?? 0)
        }
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
    /// - Throws: ``UD2MError`` with code `pickle-limit` when modules shared by modules multiply without end, or
    ///   `torch-tensor-limit`.
    mutating func collect(_ root: TorchModule, work: inout GraphWork) throws {
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
                try work.charge(module.cost + prefix.count)
                try addTensors(of: module, prefix: prefix)
                let children = try childSteps(of: module, prefix: prefix, depth: depth, work: &work)
                steps.append(contentsOf: children.reversed())
                addRest(of: module, prefix: prefix)
            }
        }
    }

    private mutating func addTensors(of module: TorchModule, prefix: [UInt8]) throws {
        if module.isScript {
            for (key, value) in module.attributes where TorchModule.isTensor(value, in: graph) {
                guard let name = graph.textBytes(key) else { continue }
                try addTensor(prefix, name, value)
            }
            return
        }
        let transient = module.transientBuffers
        for (attribute, skips) in [("_parameters", []), ("_buffers", transient)] {
            if let table = module.value(attribute) { entered.append(table) }
            for (key, value) in module.table(attribute) ?? [] {
                if case .none = graph[value] { continue }
                guard let name = graph.textBytes(key) else {
                    addRest(.key(key), value)
                    continue
                }
                try checkRoom(prefix, name)
                guard !skips.contains(TensorName(bytes: name)) else {
                    addRest(.name(String(decoding: prefix + name, as: UTF8.self)), value)
                    continue
                }
                try addTensor(prefix, name, value)
            }
        }
    }

    private mutating func addTensor(_ prefix: [UInt8], _ name: ArraySlice<UInt8>, _ value: PickleNodeID) throws {
        try checkRoom(prefix, name)
        tensors.append((TensorName(bytes: prefix + name), value))
    }

    private func checkRoom(_ prefix: [UInt8], _ name: ArraySlice<UInt8>) throws {
        guard tensors.count < limits.tensors, prefix.count + name.count <= limits.nameBytes else {
            throw UD2MError(
                .torchTensorLimit, "The modules hold more than \(limits.tensors) tensors, or a huge name.",
                at: .init(entry: graph.entry))
        }
    }

    private mutating func childSteps(
        of module: TorchModule, prefix: [UInt8], depth: Int, work: inout GraphWork
    ) throws -> [Step] {
        var steps: [Step] = []
        if let table = module.value("_modules") { entered.append(table) }
        // Attributes of a script object that are neither tensors nor modules are left to `addRest`.
        let children =
            module.isScript
            ? module.attributes.filter { isScriptModule($0.value) } : module.table("_modules") ?? []
        for (key, value) in children {
            guard let name = graph.textBytes(key), prefix.count + name.count <= limits.nameBytes else {
                addRest(.key(key), value)
                continue
            }
            if case .record(let number) = graph[value], depth < limits.walkDepth,
                let child = try TorchModule(graph.record(number), in: graph, work: &work)
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

    private func isScriptModule(_ id: PickleNodeID) -> Bool {
        guard case .record(let number) = graph[id] else { return false }
        let record = graph.record(number)
        return record.states >= 0 && TorchModule.isScriptClass(record, in: graph)
    }

    private mutating func addRest(of module: TorchModule, prefix: [UInt8]) {
        for (key, value) in module.attributes {
            if module.isScript, TorchModule.isTensor(value, in: graph) || isScriptModule(value) { continue }
            let name = String(decoding: (graph.textBytes(key) ?? []).prefix(256), as: UTF8.self)
            if ["_parameters", "_buffers", "_modules"].contains(name) { continue }
            addRest(.name(String(decoding: prefix, as: UTF8.self) + "@attr:" + name), value)
        }
    }

    private mutating func addRest(_ component: TorchPathComponent, _ id: PickleNodeID) {
        guard restSeen.insert(id).inserted else { return }
        rest.append((component, id))
    }
}
