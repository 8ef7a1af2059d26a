/// A NumPy array inside a pickle (`formats.md` §4): what its parts say, before any byte is looked at.
struct PickledArray {
    /// The value that holds the elements.
    let data: PickleNodeID
    private let shape: PickleNodeID
    private let type: PickleNodeID
    private let isFortran: Bool
    private let byteOffset: UInt32

    private static let reconstructors: Set<String> = [
        "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct",
    ]
    private static let buffers: Set<String> = ["numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer"]

    /// Finds the parts; nil when the value is no array.
    init?(_ id: PickleNodeID, in graph: PickleGraph) {
        guard case .record(let number) = graph[id] else { return nil }
        let record = graph.record(number)
        guard let callable = graph.global(record.callable)?.qualifiedName else { return nil }
        if Self.reconstructors.contains(callable) {
            // BUILD (version, shape, dtype, is_fortran, raw).
            guard let state = graph.grown(record.states).last.flatMap(graph.items), state.count == 5,
                case let parts = Array(state), case .bool(let isFortran) = graph[parts[3]]
            else { return nil }
            (shape, type, self.isFortran, data) = (parts[1], parts[2], isFortran, parts[4])
        } else if Self.buffers.contains(callable) {
            let arguments = Array(graph.arguments(record).prefix(4))
            guard arguments.count == 4 else { return nil }
            (shape, type, data) = (arguments[2], arguments[1], arguments[0])
            isFortran = graph.textBytes(arguments[3])?.elementsEqual("F".utf8) ?? false
        } else {
            return nil
        }
        byteOffset = record.byteOffset
    }

    /// Where the elements are; the bytes are copied out of the pickle, once however many arrays share them.
    /// - Returns: Nil when the elements are objects, structures, text or of another type without a counterpart.
    /// - Throws: ``UD2MError`` with code `torch-tensor-malformed` when its bytes do not fit its shape.
    func layout(
        in graph: PickleGraph, limits: Limits, storages: inout PickledArrayStorages, at location: UD2MError.Location
    ) throws -> TorchTensorLayout? {
        guard let type = Self.elementType(self.type, in: graph),
            let shape = Self.shape(shape, in: graph, limits: limits),
            let storage = storages.storage(
                of: data, isBigEndian: type.isBigEndian, key: "numpy@\(byteOffset)", in: graph)
        else { return nil }
        guard type.elementType.byteCount(shape: shape) == storage.byteCount else {
            throw UD2MError(
                .torchTensorMalformed, "A NumPy array of \(storage.byteCount) bytes does not fit its shape.",
                at: location)
        }
        return TorchTensorLayout(
            elementType: type.elementType, shape: shape,
            strides: isFortran
                ? TensorSource.denseStrides(shape.reversed()).reversed() : TensorSource.denseStrides(shape),
            elementOffset: 0, storage: storage)
    }

    /// Why an array without a layout has none, as a sentence.
    func reason(in graph: PickleGraph) -> String {
        guard let name = Self.typeName(type, in: graph) else {
            return "The elements of this NumPy array are structures, or of a type that is not read."
        }
        if name == "O" || name == "|O" || name == "O8" || name == "O4" {
            return "This NumPy array holds Python objects."
        }
        return "The elements of this NumPy array are of type '\(name)', which has no counterpart."
    }

    private static func typeName(_ id: PickleNodeID, in graph: PickleGraph) -> String? {
        guard case .record(let number) = graph[id] else { return nil }
        let record = graph.record(number)
        guard graph.global(record.callable) == PickleGlobal(module: "numpy", name: "dtype"),
            let name = graph.arguments(record).first.flatMap(graph.textBytes), name.count <= 32
        else { return nil }
        return String(decoding: name, as: UTF8.self)
    }

    /// `numpy.dtype('f4', align, copy)` whose state (version, byte order, …) says the byte order.
    private static func elementType(_ id: PickleNodeID, in graph: PickleGraph) -> NumPyElementType? {
        guard case .record(let number) = graph[id], let name = typeName(id, in: graph),
            let named = NumPyElementType(name)
        else { return nil }
        let record = graph.record(number)
        // (version, byte order, subtype, field names, …); a structure has names.
        let state = graph.grown(record.states).last.flatMap(graph.items).map { Array($0.prefix(4)) } ?? []
        if state.count == 4, !graph.isNone(state[2]) || !graph.isNone(state[3]) { return nil }
        guard state.count >= 2, let order = graph.textBytes(state[1])?.first else { return named }
        return NumPyElementType(named.elementType, order: order)
    }

    private static func shape(_ id: PickleNodeID, in graph: PickleGraph, limits: Limits) -> [Int]? {
        guard let items = graph.items(id), items.count <= limits.rank else { return nil }
        let sizes = items.compactMap { graph.integer($0) }
        return sizes.count == items.count && sizes.allSatisfy { $0 >= 0 } ? sizes : nil
    }
}

/// The bytes of arrays inside a pickle, copied once for each value that holds them.
struct PickledArrayStorages {
    private struct Key: Hashable {
        let data: PickleNodeID
        let isBigEndian: Bool
    }

    private var known: [Key: OwnedStorage] = [:]

    /// The bytes of a value; nil when it is no bytes.
    mutating func storage(
        of data: PickleNodeID, isBigEndian: Bool, key: String, in graph: PickleGraph
    ) -> OwnedStorage? {
        let place = Key(data: data, isBigEndian: isBigEndian)
        if let storage = known[place] { return storage }
        guard let bytes = graph.rawBytes(data) else { return nil }
        let storage = OwnedStorage(bytes, key: key, isBigEndian: isBigEndian)
        known[place] = storage
        return storage
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
