/// Finds every tensor of a graph, with the mapping or path it is at (`formats.md` §4, §9.1).
///
/// An explicit stack and a visited set: cycles end, and depth costs no call stack.
struct TorchWalker {
    /// Mappings with tensors, root first.
    private(set) var stateDicts: [StateDict] = []
    /// Tensors that no mapping holds under a text key.
    private(set) var looseTensors: [TensorSource] = []
    /// Tensors that cannot be delivered.
    private(set) var skipped: [SkippedTensor] = []

    let graph: PickleGraph
    var reader: TorchTensorReader
    let limits: Limits
    var paths = TorchPaths()
    private var visited: [Bool]
    private var stack: [Frame] = []
    private var tensorCount = 0
    private var tooDeep: (path: Int, count: Int)?
    private var work: GraphWork
    /// Mappings with tensors, which are named again whenever they are met again.
    private var tensorMappings = Set<PickleNodeID>()
    /// Steps left for entering shared values again, so that their tensors are named under every path.
    private var repeatedSteps = 1_000_000

    struct Frame {
        let id: PickleNodeID
        let path: Int
        let depth: Int
    }

    init(graph: PickleGraph, reader: TorchTensorReader, limits: Limits) {
        self.graph = graph
        self.reader = reader
        self.limits = limits
        self.visited = [Bool](repeating: false, count: graph.nodes.count)
        self.work = GraphWork(walking: graph, limits: limits)
    }

    /// Walks from the root.
    /// - Throws: ``UD2MError`` with a `torch-…` code when a tensor is malformed or there are too many.
    mutating func walk() throws {
        stack.append(Frame(id: graph.root, path: TorchPaths.root, depth: 0))
        while let frame = stack.popLast() {
            try visit(frame)
        }
        if let tooDeep {
            try skip(
                tooDeep.path,
                "\(tooDeep.count) values nested deeper than \(limits.walkDepth) levels were not searched for tensors.")
        }
        listUnreached()
    }

    private mutating func visit(_ frame: Frame) throws {
        if let tensor = try reader.tensor(frame.id) {
            let name = TensorName(try components(frame.path).joined(separator: "."))
            looseTensors += try sources(tensor.outcome, name: name, path: frame.path)
            push(tensor.attachments.map { (component: $0.0, id: $0.1) }, from: frame)
            return
        }
        let isEntered = markVisited(frame.id) || mayEnterAgain(frame)
        guard isEntered || tensorMappings.contains(frame.id) else { return }
        try work.charge(graph.mappingCost(frame.id))
        if let pairs = graph.mapping(frame.id) {
            try visitMapping(pairs, frame, isEntered: isEntered)
            return
        }
        if case .record(let number) = graph[frame.id] {
            let record = graph.record(number)
            if let module = try TorchModule(record, in: graph, work: &work) {
                try visitModule(module, frame)
                return
            }
            push(try children(of: record), from: frame)
        } else if let items = graph.items(frame.id) {
            try work.charge(items.count)
            push(items.enumerated().map { (component: .index($0.offset), id: $0.element) }, from: frame)
        }
    }

    /// Emits a mapping's tensors and goes on into everything else it holds.
    ///
    /// A mapping met again inside itself is emitted again, but not entered again.
    private mutating func visitMapping(
        _ pairs: [(key: PickleNodeID, value: PickleNodeID)], _ frame: Frame, isEntered: Bool
    ) throws {
        var dictionary = TensorCollector()
        var rest: [(component: TorchPathComponent, id: PickleNodeID)] = []
        var hasTensor = false
        var keys: Set<TensorName>?
        for (key, value) in pairs {
            if isEntered, isContainer(key) { rest.append((.key(key), key)) }
            guard let name = graph.textBytes(key), let tensor = try reader.tensor(value) else {
                rest.append((.key(key), value))
                continue
            }
            guard name.count <= limits.nameBytes else { throw tooMany() }
            if PickledArray(value, in: graph) == nil { hasTensor = true }
            let path = paths.extend(frame.path, .key(key), from: frame.id)
            push(
                tensor.attachments.map { (component: $0.0, id: $0.1) },
                from: Frame(id: value, path: path, depth: frame.depth + 1))
            if case .parts = tensor.outcome, keys == nil {
                keys = Set(pairs.compactMap { graph.textBytes($0.key).map { TensorName(bytes: $0) } })
            }
            for source in try sources(tensor.outcome, name: TensorName(bytes: name), path: path, taken: keys ?? []) {
                guard let replaced = dictionary.add(source) else { continue }
                skipped.append(
                    SkippedTensor(path: replaced.path, reason: "The same key occurs again; Python keeps the last."))
            }
        }
        if !dictionary.tensors.isEmpty {
            tensorMappings.insert(frame.id)
            if hasTensor {
                stateDicts.append(StateDict(path: try components(frame.path), tensors: dictionary.tensors))
            } else {
                // NumPy arrays alone are a file's statistics or settings, never its state dict.
                looseTensors += dictionary.tensors.map { array in
                    var array = array
                    array.name = TensorName(array.path.joined(separator: "."))
                    return array
                }
            }
        }
        guard isEntered else { return }
        if case .record(let number) = graph[frame.id] {
            let record = graph.record(number)
            if let global = graph.global(record.callable), case .mapping = PickleConstructor(global) {
                rest += try attributes(of: record)
            } else {
                rest += try children(of: record)
            }
        }
        push(rest, from: frame)
    }

    private mutating func visitModule(_ module: TorchModule, _ frame: Frame) throws {
        var collector = TensorCollector()
        var names = TorchModuleNames(graph: graph, limits: limits)
        try names.collect(module, work: &work)
        var taken: Set<TensorName>?
        for entry in names.tensors {
            let path = paths.extend(frame.path, .name(entry.name.text), from: frame.id)
            guard let tensor = try reader.tensor(entry.id) else { continue }
            push(
                tensor.attachments.map { (component: $0.0, id: $0.1) },
                from: Frame(id: entry.id, path: path, depth: frame.depth + 1))
            if case .parts = tensor.outcome, taken == nil { taken = Set(names.tensors.map(\.name)) }
            for source in try sources(tensor.outcome, name: entry.name, path: path, taken: taken ?? []) {
                _ = collector.add(source)
            }
        }
        if !collector.tensors.isEmpty {
            stateDicts.append(StateDict(path: try components(frame.path), tensors: collector.tensors))
        }
        for id in names.entered { _ = markVisited(id) }
        push(names.rest.map { (component: $0.component, id: $0.id) }, from: frame)
    }

    /// Everything an opaque record holds, in the order of `formats.md` §4.
    private mutating func children(
        of record: PickleRecord
    ) throws -> [(component: TorchPathComponent, id: PickleNodeID)] {
        try work.charge(graph.arguments(record).count + graph.mappingCost(record.keywords))
        try work.charge(graph.grown(record.items).count)
        var children: [(component: TorchPathComponent, id: PickleNodeID)] = []
        if graph.global(record.callable) == nil { children.append((.callable, record.callable)) }
        if let global = graph.global(record.callable), case .sequence = PickleConstructor(global),
            let items = graph.arguments(record).first.flatMap(graph.items)
        {
            try work.charge(items.count)
            children += items.enumerated().map { (component: .index($0.offset), id: $0.element) }
        } else {
            children += graph.arguments(record).enumerated().map { (component: .argument($0.offset), id: $0.element) }
        }
        for (key, value) in graph.mapping(record.keywords) ?? [] { children.append((.key(key), value)) }
        children += try attributes(of: record)
        children += graph.grown(record.items).enumerated().map { (component: .index($0.offset), id: $0.element) }
        return children
    }

    private mutating func attributes(
        of record: PickleRecord
    ) throws -> [(component: TorchPathComponent, id: PickleNodeID)] {
        try work.charge(graph.attributesCost(record))
        let attributes = graph.attributes(record)
        return attributes.named.map { (component: .attribute($0.key), id: $0.value) }
            + attributes.verbatim.map { (component: .state, id: $0) }
    }

    private mutating func components(_ path: Int) throws -> [String] {
        try paths.components(path, in: graph, work: &work)
    }

    private mutating func push(
        _ children: [(component: TorchPathComponent, id: PickleNodeID)], from frame: Frame
    ) {
        // Reversed, so that the first child is visited first.
        for child in children.reversed() where isContainer(child.id) {
            let path = paths.extend(frame.path, child.component, from: frame.id)
            guard frame.depth < limits.walkDepth else {
                tooDeep = (tooDeep?.path ?? path, (tooDeep?.count ?? 0) + 1)
                continue
            }
            stack.append(Frame(id: child.id, path: path, depth: frame.depth + 1))
        }
    }

    /// Whether a value can be or hold a tensor.
    private func isContainer(_ id: PickleNodeID) -> Bool {
        switch graph[id] {
        case .tuple(_, let count): count > 0
        case .list(let number), .dict(let number), .set(let number): number >= 0
        case .frozenSet, .record, .persistentID: true
        default: false
        }
    }

    /// Whether a value met before is entered under this path too: never inside itself, and only while steps are left,
    /// since shared values in shared values multiply without end.
    private mutating func mayEnterAgain(_ frame: Frame) -> Bool {
        let cost = 1 + graph.mappingCost(frame.id) + (graph.items(frame.id)?.count ?? 0) + frame.depth
        guard cost <= repeatedSteps else { return false }
        repeatedSteps -= cost
        return !paths.passes(through: frame.id, on: frame.path)
    }

    private mutating func markVisited(_ id: PickleNodeID) -> Bool {
        defer { visited[Int(id.raw)] = true }
        return !visited[Int(id.raw)]
    }

    /// What a tensor value delivers: one tensor, its parts under names of their own, or nothing.
    /// - Parameters:
    ///   - outcome: What the value is.
    ///   - name: Its name.
    ///   - path: Where it is.
    ///   - taken: Names that other tensors have: a part that would have one of them gets underscores, since
    ///     `a.indices` may be a part of the sparse `a` and a tensor of its own. Scales and zero points get as many, which
    ///     their tensor says, so that nobody takes another tensor for them.
    /// - Returns: The tensors to deliver.
    /// - Throws: ``UD2MError`` with code `torch-tensor-limit` or `pickle-limit`.
    private mutating func sources(
        _ outcome: TorchTensorOutcome, name: TensorName, path: Int, taken: Set<TensorName> = []
    ) throws -> [TensorSource] {
        let parts: [(component: String?, layout: TorchTensorLayout)]
        switch outcome {
        case .undeliverable(let reason):
            parts = []
            try skip(path, reason)
        case .tensor(let layout): parts = [(nil, layout)]
        case .parts(let several): parts = several
        }
        tensorCount += max(parts.count, 1)
        guard tensorCount <= limits.tensors else { throw tooMany() }
        guard !parts.isEmpty else { return [] }
        let components = try components(path)
        var suffix = ""
        if parts.contains(where: { $0.layout.quantisation?.axis != nil }) {
            while TensorQuantisation.channelParameters.contains(where: { taken.contains(name.appending($0 + suffix)) })
            {
                suffix += "_"
            }
        }
        return parts.map { part in
            var component = part.component.map { $0 + suffix }
            var quantisation = part.layout.quantisation
            quantisation?.suffix = suffix
            while let tried = component, taken.contains(name.appending(tried)) { component = tried + "_" }
            return TensorSource(
                name: component.map { name.appending($0) } ?? name,
                path: component.map { components + [$0] } ?? components, elementType: part.layout.elementType,
                shape: part.layout.shape, strides: part.layout.strides, elementOffset: part.layout.elementOffset,
                storage: part.layout.storage, isConjugated: part.layout.isConjugated,
                isNegated: part.layout.isNegated, torchType: part.layout.torchType,
                quantisation: quantisation, sparsity: part.layout.sparsity)
        }
    }

    private func tooMany() -> UD2MError {
        UD2MError(
            .torchTensorLimit, "The file names more than \(limits.tensors) tensors, or one with a huge name.",
            at: .init(entry: graph.entry))
    }

    private mutating func skip(_ path: Int, _ reason: String) throws {
        skipped.append(SkippedTensor(path: try components(path), reason: reason))
    }

    /// Lists tensors that the pickle builds but that are no part of the root object.
    private mutating func listUnreached() {
        for index in graph.nodes.indices {
            let id = PickleNodeID(raw: Int32(index))
            guard case .record(let number) = graph.nodes[index], reader.builder(of: graph.record(number)) != nil,
                !reader.reached.contains(id)
            else { continue }
            skipped.append(
                SkippedTensor(
                    path: ["@byte:\(graph.record(number).byteOffset)"],
                    reason: "The pickle builds this tensor, but the root object does not hold it where it was searched."
                ))
        }
    }
}

/// Tensors by name in order of first occurrence; a repeated name keeps its place and takes the last value, as in Python.
struct TensorCollector {
    private(set) var tensors: [TensorSource] = []
    private var indexByName: [TensorName: Int] = [:]

    /// Adds a tensor and returns the one it replaces.
    mutating func add(_ source: TensorSource) -> TensorSource? {
        if let index = indexByName[source.name] {
            defer { tensors[index] = source }
            return tensors[index]
        }
        indexByName[source.name] = tensors.count
        tensors.append(source)
        return nil
    }
}
