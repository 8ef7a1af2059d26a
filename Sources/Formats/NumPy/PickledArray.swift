/// A NumPy array inside a pickle (`formats.md` §4).
struct PickledArray {
    /// Where the elements are; the bytes are copied out of the pickle.
    let layout: TorchTensorLayout

    private static let reconstructors: Set<String> = [
        "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct",
    ]
    private static let buffers: Set<String> = ["numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer"]

    /// Reads an array; nil when the value is none, or its elements are objects or structures.
    /// - Throws: ``UD2MError`` with code `torch-tensor-malformed` when its bytes do not fit its shape.
    init?(_ id: PickleNodeID, in graph: PickleGraph, limits: Limits, at location: UD2MError.Location) throws {
        guard case .record(let number) = graph[id] else { return nil }
        let record = graph.record(number)
        guard let callable = graph.global(record.callable)?.qualifiedName else { return nil }
        let parts: (shape: PickleNodeID, type: PickleNodeID, isFortran: Bool, data: PickleNodeID)
        if Self.reconstructors.contains(callable) {
            // BUILD (version, shape, dtype, is_fortran, raw).
            guard let state = graph.grown(record.states).last.flatMap(graph.items).map(Array.init), state.count == 5,
                case .bool(let isFortran) = graph[state[3]]
            else { return nil }
            parts = (state[1], state[2], isFortran, state[4])
        } else if Self.buffers.contains(callable) {
            let arguments = Array(graph.arguments(record).prefix(4))
            guard arguments.count == 4 else { return nil }
            parts = (arguments[2], arguments[1], graph.text(arguments[3]) == "F", arguments[0])
        } else {
            return nil
        }
        guard let type = Self.elementType(parts.type, in: graph), let bytes = graph.rawBytes(parts.data),
            let shape = Self.shape(parts.shape, in: graph, limits: limits)
        else { return nil }
        guard type.elementType.byteCount(shape: shape) == bytes.count else {
            throw UD2MError(
                .torchTensorMalformed, "A NumPy array of \(bytes.count) bytes does not fit its shape.", at: location)
        }
        layout = TorchTensorLayout(
            elementType: type.elementType, shape: shape,
            strides: parts.isFortran
                ? TensorSource.denseStrides(shape.reversed()).reversed() : TensorSource.denseStrides(shape),
            elementOffset: 0,
            storage: OwnedStorage(bytes, key: "numpy@\(record.byteOffset)", isBigEndian: type.isBigEndian))
    }

    /// `numpy.dtype('f4', align, copy)` whose state (version, byte order, …) says the byte order.
    private static func elementType(_ id: PickleNodeID, in graph: PickleGraph) -> NumPyElementType? {
        guard case .record(let number) = graph[id] else { return nil }
        let record = graph.record(number)
        guard graph.global(record.callable) == PickleGlobal(module: "numpy", name: "dtype"),
            let name = graph.arguments(record).first.flatMap(graph.text), let named = NumPyElementType(name)
        else { return nil }
        let state = graph.grown(record.states).last.flatMap(graph.items).map { Array($0.prefix(2)) } ?? []
        guard state.count == 2, let order = graph.textBytes(state[1])?.first else { return named }
        return NumPyElementType(named.elementType, order: order)
    }

    private static func shape(_ id: PickleNodeID, in graph: PickleGraph, limits: Limits) -> [Int]? {
        guard let items = graph.items(id), items.count <= limits.rank else { return nil }
        let sizes = items.compactMap { graph.integer($0) }
        return sizes.count == items.count && sizes.allSatisfy { $0 >= 0 } ? sizes : nil
    }
}

extension PickleGraph {
    /// The bytes of a bytes value, in any of the ways protocols write them; nil for another kind.
    func rawBytes(_ id: PickleNodeID) -> [UInt8]? {
        switch self[id] {
        case .bytes(let slice), .byteString(let slice):
            return Array(bytes(slice))
        case .record(let number):
            // Protocol 2 writes bytes as text in which each scalar is a byte.
            let inner = record(number)
            guard let codec = global(inner.callable), case .encodedBytes = PickleConstructor(codec),
                let text = arguments(inner).first.flatMap(textBytes)
            else { return nil }
            return String(decoding: text, as: UTF8.self).unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        default:
            return nil
        }
    }
}
