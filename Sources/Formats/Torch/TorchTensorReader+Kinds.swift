extension TorchTensorReader {
    /// A tensor that must be plain: strided, wherever it comes from, and with data.
    private mutating func plain(_ id: PickleNodeID) throws -> TorchTensorLayout? {
        guard case .tensor(let layout)? = try tensor(id, allowsParts: false)?.outcome else { return nil }
        return layout
    }

    /// Takes the reading of a tensor's elements off the budget: many tensors may share one huge index.
    private mutating func chargeReading(_ layout: TorchTensorLayout) throws {
        try work.charge(layout.shape.contains(0) ? 1 : layout.shape.reduce(1, *))
    }

    // MARK: Quantised

    /// Integers with their scales: (storage, offset, size, stride, quantiser, …).
    mutating func quantised(
        _ layout: TorchTensorLayout, _ arguments: [PickleNodeID], packedShape: [Int]? = nil,
        at location: UD2MError.Location
    ) throws -> TorchTensorOutcome {
        var layout = layout
        var (quantisation, parts) = try quantiser(arguments, shape: layout.shape, at: location)
        quantisation.packedShape = packedShape
        layout.quantisation = quantisation
        return parts.isEmpty ? .tensor(layout) : .parts([(component: nil, layout: layout)] + parts)
    }

    /// Several integers in a byte: PyTorch's strides count elements that have no address, so the bytes are delivered
    /// as they lie in the storage.
    mutating func packedQuantised(
        _ reference: TorchStorageReference, _ type: TorchElementType, _ arguments: [PickleNodeID],
        at location: UD2MError.Location
    ) throws -> TorchTensorOutcome {
        guard let shape = sizes(arguments[2]) else {
            throw malformed("A tensor's size is not made of non-negative integers.", at: location)
        }
        guard let storage = reference.storage, let byteCount = reference.byteCount else {
            return .undeliverable("The storage has no data in the file.")
        }
        let perByte = type.torchType == "quint4x2" ? 2 : 4
        var elements = 1
        for size in shape {
            let (product, overflow) = elements.multipliedReportingOverflow(by: size)
            guard !overflow else { throw bounds("A tensor's size overflows.", at: location) }
            elements = product
        }
        guard elements / perByte <= byteCount, graph.integer(arguments[1]) == 0 else {
            throw bounds("A packed tensor of \(elements) elements lies in \(byteCount) bytes.", at: location)
        }
        let layout = TorchTensorLayout(
            elementType: type.elementType, shape: [byteCount], strides: [1], elementOffset: reference.elementBase,
            storage: storage, torchType: type.torchType)
        let isDense = sizes(arguments[3]) == TensorSource.denseStrides(shape)
        return try quantised(layout, arguments, packedShape: isDense ? shape : nil, at: location)
    }

    private mutating func quantiser(
        _ arguments: [PickleNodeID], shape: [Int], at location: UD2MError.Location
    ) throws -> (TensorQuantisation, [(component: String?, layout: TorchTensorLayout)]) {
        guard arguments.count > 4, let items = graph.items(arguments[4]).map({ Array($0.prefix(5)) }),
            let first = items.first, let scheme = graph.global(first), scheme.module == "torch"
        else { throw malformed("A quantised tensor has no quantiser.", at: location) }
        if scheme.name.hasPrefix("per_tensor") {
            guard items.count == 3, let scale = number(items[1]), let zeroPoint = graph.integer(items[2]) else {
                throw malformed("A quantised tensor's scale or zero point is no number.", at: location)
            }
            return (TensorQuantisation(scheme: scheme.name, scale: scale, zeroPoint: zeroPoint), [])
        }
        guard scheme.name.hasPrefix("per_channel"), items.count == 4, let axis = graph.integer(items[3]) else {
            throw malformed("The quantisation scheme is unknown.", at: location)
        }
        // The real shape: packed tensors are delivered flat.
        let sizes = sizes(arguments[2]) ?? shape
        guard sizes.indices.contains(axis) else {
            throw malformed("A quantised tensor has no dimension \(axis) for its channels.", at: location)
        }
        let quantisation = TensorQuantisation(scheme: scheme.name, axis: axis)
        guard let scales = try plain(items[1]), let zeroPoints = try plain(items[2]) else { return (quantisation, []) }
        guard scales.shape == [sizes[axis]], zeroPoints.shape == [sizes[axis]] else {
            throw malformed("A quantised tensor has another number of scales than of channels.", at: location)
        }
        return (quantisation, [(component: "scales", layout: scales), (component: "zero_points", layout: zeroPoints)])
    }

    private func number(_ id: PickleNodeID) -> Double? {
        if case .float(let value) = graph[id] { return value }
        return graph.integer(id).map(Double.init)
    }

    // MARK: Sparse

    /// (layout, data): the parts of the layout, every index checked against the shape.
    mutating func sparse(
        _ arguments: [PickleNodeID], at location: UD2MError.Location
    ) throws -> TorchTensorOutcome {
        guard arguments.count == 2, let layoutName = layoutName(arguments[0]),
            let data = graph.items(arguments[1]).map({ Array($0.prefix(6)) })
        else { throw malformed("A sparse tensor lacks its layout or data.", at: location) }
        guard let names = SparseTensorCheck.partNames[layoutName] else {
            return .undeliverable("The sparse layout \(layoutName) is unknown.")
        }
        guard data.count > names.count, let shape = sizes(data[names.count]) else {
            throw malformed("A sparse tensor's size is not made of non-negative integers.", at: location)
        }
        var parts: [(component: String?, layout: TorchTensorLayout)] = []
        for (name, id) in zip(names, data) {
            guard let part = try plain(id) else { return .undeliverable("A part of a sparse tensor is not plain.") }
            parts.append((component: name, layout: part))
        }
        for part in parts.dropLast() { try chargeReading(part.layout) }
        do {
            try SparseTensorCheck(layout: layoutName, shape: shape, parts: parts.map(\.layout), limits: limits).check()
        } catch let error as UD2MError {
            throw error.located(in: location)
        }
        return .parts(
            parts.map { part in
                var layout = part.layout
                layout.sparsity = part.component.map { TensorSparsity(layout: layoutName, shape: shape, part: $0) }
                return (part.component, layout)
            })
    }

    /// `torch.serialization._get_layout('torch.sparse_coo')`, or the layout itself.
    private func layoutName(_ id: PickleNodeID) -> String? {
        if let global = graph.global(id) { return global.qualifiedName }
        guard case .record(let number) = graph[id] else { return nil }
        let record = graph.record(number)
        guard graph.global(record.callable) == PickleGlobal(module: "torch.serialization", name: "_get_layout"),
            let text = graph.arguments(record).first.flatMap(graph.textBytes), text.count <= 64
        else { return nil }
        return String(decoding: text, as: UTF8.self)
    }

    // MARK: Nested

    /// (buffer, sizes, strides, offsets): one tensor for each row of `sizes`.
    mutating func nested(
        _ arguments: [PickleNodeID], at location: UD2MError.Location
    ) throws -> TorchTensorOutcome {
        guard arguments.count == 4 else { throw malformed("A nested tensor lacks a part.", at: location) }
        guard let buffer = try plain(arguments[0]), let sizes = try plain(arguments[1]),
            let strides = try plain(arguments[2]), let offsets = try plain(arguments[3])
        else { return .undeliverable("A part of a nested tensor is not plain.") }
        guard sizes.shape.count == 2, strides.shape == sizes.shape, offsets.shape == [sizes.shape[0]],
            buffer.shape.count == 1, sizes.shape[0] <= limits.tensors, sizes.shape[1] <= limits.rank
        else { throw malformed("The parts of a nested tensor do not fit each other.", at: location) }
        for part in [sizes, strides, offsets] { try chargeReading(part) }
        let rank = sizes.shape[1]
        let (rows, steps, starts) = (
            try sizes.integers(limits: limits), try strides.integers(limits: limits),
            try offsets.integers(limits: limits)
        )
        var parts: [(component: String?, layout: TorchTensorLayout)] = []
        for index in starts.indices {
            var layout = buffer
            layout.shape = Array(rows[(index * rank)..<((index + 1) * rank)])
            layout.strides = Array(steps[(index * rank)..<((index + 1) * rank)])
            guard (layout.shape + layout.strides).allSatisfy({ $0 >= 0 }), starts[index] >= 0 else {
                throw malformed("A nested tensor has a negative size, stride or offset.", at: location)
            }
            let width = layout.elementType.bitWidth / 8
            try checkBounds(
                offset: starts[index], shape: layout.shape, strides: layout.strides, byteWidth: max(width, 1),
                available: buffer.shape[0] * max(width, 1), at: location)
            let step = buffer.strides[0]
            guard step == 1 else { return .undeliverable("A nested tensor's buffer is not dense.") }
            layout.elementOffset += layout.shape.contains(0) ? 0 : starts[index]
            parts.append((component: String(index), layout: layout))
        }
        return .parts(parts)
    }

    // MARK: From NumPy

    /// (array, dtype, device, requires_grad): the array is the data.
    mutating func fromNumPy(
        _ arguments: [PickleNodeID], at location: UD2MError.Location
    ) throws -> TorchTensorOutcome {
        guard arguments.count >= 2 else { throw malformed("A device tensor lacks its array or dtype.", at: location) }
        guard
            let layout = try PickledArray(arguments[0], in: graph)?.layout(
                in: graph, limits: limits, storages: &arrayStorages, at: location)
        else { return .undeliverable("The array of a device tensor is not plain.") }
        try chargeReading(layout)
        guard let dtype = graph.global(arguments[1]), let type = TorchElementType.ofDtype(dtype),
            type.elementType != layout.elementType || type.torchType != nil
        else { return .tensor(layout) }
        // NumPy lacks some types, such as bfloat16: those travel as another one, and PyTorch converts the values.
        guard type.torchType == nil, layout.elementType.isConvertible(to: type.elementType) else {
            return .undeliverable("The array of a device tensor cannot become \(dtype.qualifiedName).")
        }
        let source = TensorSource(
            name: "", path: [], elementType: layout.elementType, shape: layout.shape, strides: layout.strides,
            elementOffset: 0, storage: layout.storage)
        var bytes: [UInt8] = []
        _ = try source.stream(as: type.elementType) { bytes += $0 }
        return .tensor(
            TorchTensorLayout(
                elementType: type.elementType, shape: layout.shape, strides: TensorSource.denseStrides(layout.shape),
                elementOffset: 0, storage: OwnedStorage(bytes, key: layout.storage.key)))
    }
}

extension TorchTensorLayout {
    /// The values of a small integer tensor that other tensors are described by.
    /// - Throws: ``UD2MError`` with code `torch-tensor-malformed` when it holds no integers, or what reading throws.
    func integers(limits: Limits) throws -> [Int] {
        var values: [Int] = []
        try forEachInteger(limits: limits) { values.append($0) }
        return values
    }

    /// Calls `body` with every value of an integer tensor in row-major order.
    func forEachInteger(limits: Limits, _ body: (Int) throws -> Void) throws {
        guard elementType == .i64 || elementType == .i32, torchType == nil else {
            throw UD2MError(.torchTensorMalformed, "Indices must be 32- or 64-bit integers.")
        }
        let source = TensorSource(
            name: "", path: [], elementType: elementType, shape: shape, strides: strides,
            elementOffset: elementOffset, storage: storage)
        let width = elementType == .i64 ? 8 : 4
        try source.checkExpansion(limits: limits)
        _ = try source.stream(as: elementType) { bytes in
            for start in stride(from: 0, to: bytes.count - width + 1, by: width) {
                let value =
                    width == 8
                    ? Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: Int64.self)))
                    : Int(Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: Int32.self)))
                try body(value)
            }
        }
    }
}
