/// Where the elements of a tensor are, name and path aside.
struct TorchTensorLayout {
    var elementType: ElementType
    var shape: [Int]
    var strides: [Int]
    var elementOffset: Int
    var storage: any TensorStorage
    var isConjugated = false
    var isNegated = false
    var torchType: String?
    var quantisation: TensorQuantisation?
    var sparsity: TensorSparsity?
}

/// What a tensor value of a pickle comes to.
enum TorchTensorOutcome {
    /// It can be delivered.
    case tensor(TorchTensorLayout)
    /// It is made of several: the one without a component stands under the value's own name.
    case parts([(component: String?, layout: TorchTensorLayout)])
    /// It cannot, for this reason.
    case undeliverable(String)
}

/// Turns the tensor values of a graph into layouts, every bound checked (`formats.md` §5.3).
struct TorchTensorReader {
    let graph: PickleGraph
    let storages: TorchStorageTable
    let limits: Limits
    /// Wrappers around one tensor; real ones have at most three.
    private static let maximumWrappers = 64
    /// Arguments of a builder; real ones have at most eight.
    private static let maximumArguments = 16
    /// Entries of a tensor's metadata.
    private static let maximumMetadata = 1_024

    /// Values that are parts of tensors seen so far.
    private(set) var reached = Set<PickleNodeID>()
    /// Steps left for reading the elements of tensors that describe others.
    var work: GraphWork
    /// The bytes of NumPy arrays seen so far.
    var arrayStorages = PickledArrayStorages()

    init(graph: PickleGraph, storages: TorchStorageTable, limits: Limits) {
        self.graph = graph
        self.storages = storages
        self.limits = limits
        self.work = GraphWork(entry: graph.entry, limits: limits)
    }

    /// The tensor a value is, or nil when it is none.
    ///
    /// Also gives what hangs on the tensor and may hold further tensors: hooks and subclass state.
    /// - Throws: ``UD2MError`` with code `torch-tensor-malformed` or `torch-tensor-bounds`.
    mutating func tensor(
        _ id: PickleNodeID, allowsParts: Bool = true
    ) throws -> (outcome: TorchTensorOutcome, attachments: [(TorchPathComponent, PickleNodeID)])? {
        var attachments: [(TorchPathComponent, PickleNodeID)] = []
        var current = id
        // Wrappers nest: a parameter around a subclass around a tensor. A loop, not recursion.
        for _ in 0..<Self.maximumWrappers {
            if case .persistentID = graph[current] {
                if storages.isType(current) { return nil }
                return (try bareStorage(current), attachments)
            }
            guard case .record(let number) = graph[current] else {
                if current == id { return nil }
                return (.undeliverable("A wrapper holds no tensor."), attachments)
            }
            let record = graph.record(number)
            guard let direct = builder(of: record) else {
                if let old = try oldTensor(record) {
                    reached.insert(current)
                    attachments += old.attachments
                    switch old.form {
                    case .layout(let layout): return (.tensor(layout), attachments)
                    case .wrapped(let data):
                        current = data
                        continue
                    }
                }
                if let array = PickledArray(current, in: graph) {
                    let layout = try array.layout(
                        in: graph, limits: limits, storages: &arrayStorages, at: location(record))
                    if let layout { return (.tensor(layout), attachments) }
                    // An array of objects holds a list, in which tensors may be.
                    attachments.append((.state, array.data))
                    return (.undeliverable(array.reason(in: graph)), attachments)
                }
                if current == id { return nil }
                attachments.append((.argument(0), current))
                return (.undeliverable("A wrapper holds an object of an unknown class."), attachments)
            }
            reached.insert(current)
            let location = self.location(record)
            guard record.states < 0, record.items < 0, record.entries < 0 else {
                throw malformed("A rebuilt tensor is given state or items.", at: location)
            }
            var builder = direct
            guard graph.arguments(record).count <= Self.maximumArguments else {
                throw malformed("A tensor is rebuilt from too many arguments.", at: location)
            }
            var arguments = Array(graph.arguments(record))
            if case .fromType = builder {
                guard let inner = try fromType(arguments, at: location) else {
                    attachments.append((.argument(2), arguments[2]))
                    if arguments.count > 3 { attachments.append((.state, arguments[3])) }
                    return (.undeliverable("A tensor subclass is rebuilt by an unknown function."), attachments)
                }
                if arguments.count > 3 { attachments.append((.state, arguments[3])) }
                (builder, arguments) = inner
            }
            switch builder {
            case .parameter, .parameterWithState:
                guard let data = arguments.first else { throw malformed("A parameter has no data.", at: location) }
                if arguments.count > 2 { attachments.append((.argument(2), arguments[2])) }
                if arguments.count > 3 { attachments.append((.state, arguments[3])) }
                current = data
            case .tensorV1, .tensorV2, .tensorV3, .quantised:
                let hooks = if case .quantised = builder { 6 } else { 5 }
                if arguments.count > hooks { attachments.append((.argument(hooks), arguments[hooks])) }
                return (try strided(builder, arguments, allowsParts: allowsParts, at: location), attachments)
            case .fromNumPy:
                return (try fromNumPy(arguments, at: location), attachments)
            case .sparse, .nested:
                guard allowsParts else {
                    return (.undeliverable("A tensor of several parts is a part of another."), attachments)
                }
                if case .sparse = builder { return (try sparse(arguments, at: location), attachments) }
                return (try nested(arguments, at: location), attachments)
            case .fromType:
                return (.undeliverable("A tensor subclass wraps another."), attachments)
            case .undeliverable(let reason):
                for (index, argument) in arguments.enumerated() { attachments.append((.argument(index), argument)) }
                return (.undeliverable(reason), attachments)
            }
        }
        return (.undeliverable("The tensor is wrapped more than \(Self.maximumWrappers) times."), attachments)
    }

    /// The builder a record calls, or nil.
    func builder(of record: PickleRecord) -> TorchBuilder? {
        guard record.form == .reduce, let global = graph.global(record.callable) else { return nil }
        return TorchBuilder(global)
    }

    private func fromType(
        _ arguments: [PickleNodeID], at location: UD2MError.Location
    ) throws -> (TorchBuilder, [PickleNodeID])? {
        guard arguments.count >= 3, let inner = graph.items(arguments[2]), inner.count <= Self.maximumArguments else {
            throw malformed("A tensor subclass lacks its function, type or arguments.", at: location)
        }
        guard let function = graph.global(arguments[0]), let builder = TorchBuilder(function) else { return nil }
        return (builder, Array(inner))
    }

    private func bareStorage(_ id: PickleNodeID) throws -> TorchTensorOutcome {
        if let tensor = storages.tensor(id) { return .tensor(tensor) }
        guard let reference = storages[id] else { return .undeliverable("The storage is unknown.") }
        guard let type = reference.elementType else {
            return .undeliverable("The storage class \(reference.type.qualifiedName) is unknown.")
        }
        guard let storage = reference.storage else { return .undeliverable("The storage has no data in the file.") }
        return .tensor(
            TorchTensorLayout(
                elementType: type.elementType, shape: [reference.elementCount], strides: [1],
                elementOffset: reference.elementBase, storage: storage, torchType: type.torchType))
    }

    private mutating func strided(
        _ builder: TorchBuilder, _ arguments: [PickleNodeID], allowsParts: Bool, at location: UD2MError.Location
    ) throws -> TorchTensorOutcome {
        guard arguments.count >= 4, case .persistentID = graph[arguments[0]], let reference = storages[arguments[0]]
        else { throw malformed("A tensor is not built over a storage.", at: location) }
        guard let offset = graph.integer(arguments[1]), offset >= 0, let shape = sizes(arguments[2]),
            let strides = sizes(arguments[3])
        else {
            throw malformed(
                "A tensor's offset, size or stride is not made of non-negative integers, \(limits.rank) at most.",
                at: location)
        }
        guard shape.count == strides.count else {
            throw malformed("A tensor has \(shape.count) dimensions and \(strides.count) strides.", at: location)
        }
        var torchType = reference.elementType
        if case .tensorV3 = builder {
            guard arguments.count >= 7, let dtype = graph.global(arguments[6]) else {
                throw malformed("A tensor's dtype is missing.", at: location)
            }
            guard let known = TorchElementType.ofDtype(dtype) else {
                return .undeliverable("The dtype \(dtype.qualifiedName) is unknown.")
            }
            // A view counts in its storage's elements, which need not divide this dtype's.
            guard reference.elementBase == 0 else {
                return .undeliverable("The tensor views a part of a storage under another type.")
            }
            torchType = known
        }
        guard let torchType else {
            return .undeliverable("The storage class \(reference.type.qualifiedName) is unknown.")
        }
        if case .quantised = builder, ["quint4x2", "quint2x4"].contains(torchType.torchType) {
            return try packedQuantised(reference, torchType, arguments, at: location)
        }
        try checkBounds(
            offset: offset, shape: shape, strides: strides, byteWidth: torchType.byteWidth,
            available: reference.byteCount, at: location)
        guard let storage = reference.storage else {
            return .undeliverable("The storage has no data in the file.")
        }
        let (base, overflow) = offset.addingReportingOverflow(shape.contains(0) ? 0 : reference.elementBase)
        guard !overflow else { throw bounds("A tensor's offset overflows.", at: location) }
        let elementType = torchType.elementType
        var layout = TorchTensorLayout(
            elementType: elementType, shape: shape, strides: strides, elementOffset: base, storage: storage,
            torchType: torchType.torchType)
        if case .quantised = builder {
            guard allowsParts else { return .undeliverable("A quantised tensor is a part of another.") }
            return try quantised(layout, arguments, at: location)
        }
        switch builder {
        case .tensorV2 where arguments.count > 6: try applyMetadata(arguments[6], to: &layout, at: location)
        case .tensorV3 where arguments.count > 7: try applyMetadata(arguments[7], to: &layout, at: location)
        default: break
        }
        return elementType == .f4 ? packedPairs(layout) : .tensor(layout)
    }

    /// PyTorch counts bytes of two 4-bit values, we count values. Bytes that do not lie densely are gathered first.
    private func packedPairs(_ layout: TorchTensorLayout) -> TorchTensorOutcome {
        var layout = layout
        guard let last = layout.shape.indices.last else {
            return .undeliverable("A 4-bit tensor without dimensions has none that counts the two values of its byte.")
        }
        let bytes = TensorSource(
            name: "", path: [], elementType: .u8, shape: layout.shape, strides: layout.strides,
            elementOffset: layout.elementOffset, storage: layout.storage)
        if !bytes.isContiguous {
            guard bytes.byteCount <= layout.storage.byteCount else {
                return .undeliverable("A 4-bit tensor repeats stored bytes, which only whole elements can.")
            }
            layout.storage = GatheredStorage(bytes)
            layout.elementOffset = 0
        }
        let (doubled, overflow) = layout.shape[last].multipliedReportingOverflow(by: 2)
        let (offset, offsetOverflow) = layout.elementOffset.multipliedReportingOverflow(by: 2)
        guard !overflow, !offsetOverflow else { return .undeliverable("The size of a 4-bit tensor overflows.") }
        layout.shape[last] = doubled
        layout.strides = TensorSource.denseStrides(layout.shape)
        layout.elementOffset = offset
        return .tensor(layout)
    }

    private func applyMetadata(
        _ id: PickleNodeID, to layout: inout TorchTensorLayout, at location: UD2MError.Location
    ) throws {
        guard graph.mappingCost(id) <= 2 * Self.maximumMetadata else {
            throw malformed("A tensor's metadata is too large.", at: location)
        }
        guard let pairs = graph.mapping(id) else {
            if case .none = graph[id] { return }
            throw malformed("A tensor's metadata is no dict.", at: location)
        }
        for (key, value) in pairs {
            guard case .bool(let flag) = graph[value], let name = graph.textBytes(key) else { continue }
            if name.elementsEqual("conj".utf8) { layout.isConjugated = flag }
            if name.elementsEqual("neg".utf8) { layout.isNegated = flag }
        }
    }

    /// A tuple, list or `torch.Size` of non-negative integers.
    func sizes(_ id: PickleNodeID) -> [Int]? {
        var items = graph.items(id)
        if case .record(let number) = graph[id] {
            let record = graph.record(number)
            guard graph.global(record.callable) == PickleGlobal(module: "torch", name: "Size"),
                let inner = graph.arguments(record).first
            else { return nil }
            items = graph.items(inner)
        }
        guard let items, items.count <= limits.rank else { return nil }
        var sizes: [Int] = []
        for item in items {
            guard let size = graph.integer(item), size >= 0 else { return nil }
            sizes.append(size)
        }
        return sizes
    }

    func checkBounds(
        offset: Int, shape: [Int], strides: [Int], byteWidth: Int, available: Int?, at location: UD2MError.Location
    ) throws {
        // Whether or not strides are zero, the dense tensor must be countable; PyTorch multiplies in this order too.
        var count = 1
        var last = offset
        for factor in shape + [byteWidth] {
            let (product, overflow) = count.multipliedReportingOverflow(by: factor)
            guard !overflow else { throw bounds("A tensor's size overflows.", at: location) }
            count = product
        }
        if shape.contains(0) { return }
        for (size, stride) in zip(shape, strides) {
            let (reach, overflow) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, sumOverflow) = last.addingReportingOverflow(reach)
            guard !overflow, !sumOverflow else { throw bounds("A tensor's strides overflow.", at: location) }
            last = sum
        }
        let (end, endOverflow) = last.addingReportingOverflow(1)
        let (endByte, byteOverflow) = end.multipliedReportingOverflow(by: byteWidth)
        guard !endOverflow, !byteOverflow else { throw bounds("A tensor's end overflows.", at: location) }
        guard let available else { return }
        guard endByte <= available else {
            throw bounds("A tensor ends at byte \(endByte) of a storage of \(available) bytes.", at: location)
        }
    }

    func location(_ record: PickleRecord) -> UD2MError.Location {
        .init(entry: graph.entry, byteOffset: Int(record.byteOffset), opcodeIndex: Int(record.opcodeIndex))
    }

    func malformed(_ message: String, at location: UD2MError.Location) -> UD2MError {
        UD2MError(.torchTensorMalformed, message, at: location)
    }

    func bounds(_ message: String, at location: UD2MError.Location) -> UD2MError {
        UD2MError(.torchTensorBounds, message, at: location)
    }
}
