/// Tensors, variables and parameters of PyTorch 0.1 to 0.3: objects of their class that take their contents by BUILD
/// (`formats.md` §5.6).
extension TorchTensorReader {
    /// What an old tensor object comes to.
    enum OldTensor {
        /// A tensor over a storage.
        case layout(TorchTensorLayout)
        /// Another value is the tensor.
        case wrapped(PickleNodeID)
    }

    /// The tensor an object is, with what else hangs on it, or nil when its class is no tensor's.
    /// - Throws: ``UD2MError`` with code `torch-tensor-malformed` or `torch-tensor-bounds`.
    mutating func oldTensor(
        _ record: PickleRecord
    ) throws -> (form: OldTensor, attachments: [(TorchPathComponent, PickleNodeID)])? {
        guard let global = graph.global(record.callable) else { return nil }
        var type = global
        var arguments = Array(graph.arguments(record).prefix(4))
        // `copyreg.__newobj__(class, …)`: how protocols 0 and 1 spell NEWOBJ.
        if global == PickleGlobal(module: "copyreg", name: "__newobj__"), let first = arguments.first,
            let inner = graph.global(first)
        {
            type = inner
            arguments.removeFirst()
        }
        let isVariable = Self.variables.contains(type.qualifiedName)
        guard isVariable || Self.isTensorClass(type) else { return nil }
        let location = location(record)
        let state = graph.grown(record.states).last.flatMap(graph.items).map { Array($0.prefix(6)) }
        if isVariable {
            if let state, state.count == 5 {
                return (.wrapped(state[0]), [(.argument(2), state[2])])
            }
            guard let data = arguments.first else { return nil }
            let hooks = state.flatMap { $0.count == 3 ? $0[2] : nil }
            return (.wrapped(data), hooks.map { [(.argument(2), $0)] } ?? [])
        }
        guard let state else { return nil }
        guard state.count == 4, case .persistentID = graph[state[0]], let reference = storages[state[0]],
            let offset = graph.integer(state[1]), offset >= 0, let shape = sizes(state[2]),
            let strides = sizes(state[3]), shape.count == strides.count
        else { throw malformed("A tensor's state is not (storage, offset, size, stride).", at: location) }
        guard let elementType = reference.elementType, let storage = reference.storage else { return nil }
        try checkBounds(
            offset: offset, shape: shape, strides: strides, byteWidth: elementType.byteWidth,
            available: reference.byteCount, at: location)
        let (base, overflow) = offset.addingReportingOverflow(shape.contains(0) ? 0 : reference.elementBase)
        guard !overflow else { throw bounds("A tensor's offset overflows.", at: location) }
        return (
            .layout(
                TorchTensorLayout(
                    elementType: elementType.elementType, shape: shape, strides: strides, elementOffset: base,
                    storage: storage, torchType: elementType.torchType)), []
        )
    }

    private static let variables: Set<String> = [
        "torch.autograd.variable.Variable", "torch.autograd.Variable", "torch.nn.parameter.Parameter",
        "torch.nn.Parameter",
    ]

    /// `torch.FloatTensor`, `torch.cuda.HalfTensor` and the like.
    static func isTensorClass(_ global: PickleGlobal) -> Bool {
        guard global.module == "torch" || global.module == "torch.cuda", global.name.hasSuffix("Tensor") else {
            return false
        }
        let storage = global.name.dropLast("Tensor".count) + "Storage"
        return TorchElementType.ofStorage(PickleGlobal(module: "torch", name: String(storage))) != nil
    }
}
