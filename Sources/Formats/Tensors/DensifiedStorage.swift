extension TensorSource {
    /// The whole tensor that the parts of a sparse one stand for; put together when its bytes are asked for.
    ///
    /// Every index is checked here. Elements that a coordinate tensor names more than once are added up.
    /// - Parameters:
    ///   - parts: All parts of one sparse tensor, in any order.
    ///   - name: The name of the whole.
    ///   - limits: How far the whole may exceed its parts.
    /// - Returns: A dense tensor.
    /// - Throws: ``UD2MError`` with code `torch-tensor-malformed` or `torch-tensor-bounds` when parts are missing or do not
    ///   fit, or `tensor-expansion` when the whole is far larger than the parts.
    public static func densified(
        _ parts: [TensorSource], name: TensorName, limits: Limits = .standard
    ) throws -> TensorSource {
        let location = UD2MError.Location(tensor: name.text)
        let malformed = UD2MError(
            .torchTensorMalformed, "The parts of a sparse tensor are not all there, or do not fit.", at: location)
        guard let sparsity = parts.first?.sparsity, let names = SparseTensorCheck.partNames[sparsity.layout],
            parts.allSatisfy({ $0.sparsity?.layout == sparsity.layout && $0.sparsity?.shape == sparsity.shape })
        else { throw malformed }
        let ordered = names.compactMap { name in parts.first { $0.sparsity?.part == name } }
        guard ordered.count == names.count, let values = ordered.last, values.elementType.byteWidth != nil,
            values.torchType == nil
        else { throw malformed }
        do {
            try SparseTensorCheck(
                layout: sparsity.layout, shape: sparsity.shape, parts: ordered.map(\.layout), limits: limits
            ).check()
        } catch let error as UD2MError {
            throw error.located(in: location)
        }
        guard let byteCount = values.elementType.byteCount(shape: sparsity.shape),
            byteCount <= values.expandedBytesAllowed ?? limits.expandedBytes(of: values.byteCount)
        else {
            throw UD2MError(
                .tensorExpansion,
                "The whole tensor would take far more memory than its \(values.byteCount) bytes of "
                    + "values.", at: location, remedy: "Pass --allow-expand if so much is wanted.")
        }
        return TensorSource(
            name: name, path: values.path.dropLast(), elementType: values.elementType, shape: sparsity.shape,
            strides: denseStrides(sparsity.shape), elementOffset: 0,
            storage: DensifiedStorage(sparsity: sparsity, parts: ordered, values: values, byteCount: byteCount))
    }

    private var layout: TorchTensorLayout {
        TorchTensorLayout(
            elementType: elementType, shape: shape, strides: strides, elementOffset: elementOffset, storage: storage,
            torchType: torchType)
    }
}

/// A sparse tensor's whole, put together in memory when it is asked for.
private final class DensifiedStorage: TensorStorage {
    let byteCount: Int
    let isBigEndian = false
    private let sparsity: TensorSparsity
    private let parts: [TensorSource]
    private let values: TensorSource

    var key: String { values.storage.key }

    /// A storage of parts that have been checked against each other.
    init(sparsity: TensorSparsity, parts: [TensorSource], values: TensorSource, byteCount: Int) {
        self.sparsity = sparsity
        self.parts = parts
        self.values = values
        self.byteCount = byteCount
    }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        // The sizes of a tensor without elements may be beyond any product.
        guard byteCount > 0 else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
        defer { whole.deallocate() }
        whole.initializeMemory(as: UInt8.self, repeating: 0)
        try values.withContiguousBytes { bytes in
            var target = SparseScatter(whole: whole, elementType: values.elementType)
            if sparsity.layout == "torch.sparse_coo" {
                try scatterCoordinates(bytes, &target)
            } else {
                try scatterCompressed(bytes, &target)
            }
        }
        return try body(UnsafeRawBufferPointer(whole))
    }

    /// indices [S, n] and values [n, …]: item k goes to coordinates indices[:, k] of the first S dimensions.
    private func scatterCoordinates(_ bytes: UnsafeRawBufferPointer, _ target: inout SparseScatter) throws {
        let indices = try parts[0].integers()
        let (rank, count) = (parts[0].shape[0], parts[0].shape[1])
        let strides = TensorSource.denseStrides(sparsity.shape)
        let block = sparsity.shape[rank...].reduce(1, *)
        target.addsRepeated(places: sparsity.shape[..<rank].reduce(1, *), block: block)
        for item in 0..<count {
            let place = (0..<rank).reduce(0) { $0 + indices[$1 * count + item] * strides[$1] }
            try target.put(bytes, from: item * block, count: block, at: place)
        }
    }

    /// Rows or columns of blocks, after leading batch dimensions.
    private func scatterCompressed(_ bytes: UnsafeRawBufferPointer, _ target: inout SparseScatter) throws {
        let (compressed, plain) = (try parts[0].integers(), try parts[1].integers())
        let batchRank = parts[0].shape.count - 1
        let isBlocked = sparsity.layout == "torch.sparse_bsr" || sparsity.layout == "torch.sparse_bsc"
        let isColumn = sparsity.layout == "torch.sparse_csc" || sparsity.layout == "torch.sparse_bsc"
        let block =
            isBlocked ? (values.shape[batchRank + 1], values.shape[batchRank + 2]) : (1, 1)
        let dense = values.shape.dropFirst(batchRank + (isBlocked ? 3 : 1)).reduce(1, *)
        let (rows, columns) = (sparsity.shape[batchRank], sparsity.shape[batchRank + 1])
        let (edges, count) = (parts[0].shape[batchRank], parts[1].shape[batchRank])
        for batch in 0..<sparsity.shape[..<batchRank].reduce(1, *) {
            for line in 0..<edges - 1 {
                for item in compressed[batch * edges + line]..<compressed[batch * edges + line + 1] {
                    let other = plain[batch * count + item]
                    let (row, column) = isColumn ? (other, line) : (line, other)
                    for i in 0..<block.0 {
                        let from = ((batch * count + item) * block.0 + i) * block.1 * dense
                        let place = ((batch * rows + row * block.0 + i) * columns + column * block.1) * dense
                        try target.put(bytes, from: from, count: block.1 * dense, at: place)
                    }
                }
            }
        }
    }
}

extension TensorSource {
    /// The values of an integer tensor in row-major order.
    fileprivate func integers() throws -> [Int] { try numbers().map { Int($0) } }
}
