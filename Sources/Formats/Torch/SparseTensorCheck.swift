/// Checks that the parts of a sparse tensor fit its shape and that every index lies inside it (`formats.md` §5.6).
struct SparseTensorCheck {
    let layout: String
    let shape: [Int]
    let parts: [TorchTensorLayout]
    let limits: Limits

    /// The names of a layout's parts, in the order they are pickled.
    static let partNames: [String: [String]] = [
        "torch.sparse_coo": ["indices", "values"],
        "torch.sparse_csr": ["crow_indices", "col_indices", "values"],
        "torch.sparse_bsr": ["crow_indices", "col_indices", "values"],
        "torch.sparse_csc": ["ccol_indices", "row_indices", "values"],
        "torch.sparse_bsc": ["ccol_indices", "row_indices", "values"],
    ]

    /// Checks everything, reading the indices.
    /// - Throws: ``UD2MError`` with code `torch-tensor-malformed` or `torch-tensor-bounds`.
    func check() throws {
        if layout == "torch.sparse_coo" { try checkCoordinates() } else { try checkCompressed() }
    }

    private func checkCoordinates() throws {
        let (indices, values) = (parts[0], parts[1])
        guard indices.shape.count == 2, let count = values.shape.first, indices.shape[1] == count,
            indices.shape[0] <= shape.count, values.shape.dropFirst().elementsEqual(shape.dropFirst(indices.shape[0]))
        else { throw malformed("The indices and values of a sparse tensor do not fit its shape.") }
        var position = 0
        try indices.forEachInteger(limits: limits) { value in
            let dimension = position / max(count, 1)
            guard value >= 0, value < shape[dimension] else { throw outside(value) }
            position += 1
        }
    }

    private func checkCompressed() throws {
        let (compressed, plain, values) = (parts[0], parts[1], parts[2])
        let isColumn = layout == "torch.sparse_csc" || layout == "torch.sparse_bsc"
        let isBlocked = layout == "torch.sparse_bsr" || layout == "torch.sparse_bsc"
        // Leading batch dimensions are shared by all three parts.
        let batch = compressed.shape.count - 1
        guard batch >= 0, plain.shape.count == batch + 1, shape.count >= batch + 2,
            values.shape.count >= batch + (isBlocked ? 3 : 1),
            compressed.shape.dropLast().elementsEqual(shape[..<batch]),
            plain.shape.dropLast().elementsEqual(shape[..<batch]), values.shape[...batch].elementsEqual(plain.shape)
        else { throw malformed("The parts of a compressed sparse tensor do not fit its shape.") }
        let block = isBlocked ? Array(values.shape[(batch + 1)...(batch + 2)]) : [1, 1]
        guard block.allSatisfy({ $0 > 0 }), shape[batch] % block[0] == 0, shape[batch + 1] % block[1] == 0 else {
            throw malformed("The blocks of a sparse tensor do not divide its shape.")
        }
        let (rows, columns) = (shape[batch] / block[0], shape[batch + 1] / block[1])
        let (compressedSize, plainSize) = isColumn ? (columns, rows) : (rows, columns)
        let count = plain.shape[batch]
        guard compressed.shape[batch] - 1 == compressedSize else {
            throw malformed("A compressed sparse tensor has another number of index ranges than of rows.")
        }
        var position = 0
        var previous = 0
        try compressed.forEachInteger(limits: limits) { value in
            let column = position % (compressedSize + 1)
            guard column == 0 ? value == 0 : value >= previous && value - previous <= plainSize,
                column < compressedSize || value == count
            else { throw outside(value) }
            previous = value
            position += 1
        }
        try plain.forEachInteger(limits: limits) { value in
            guard value >= 0, value < plainSize else { throw outside(value) }
        }
    }

    private func malformed(_ message: String) -> UD2MError { UD2MError(.torchTensorMalformed, message) }

    private func outside(_ value: Int) -> UD2MError {
        UD2MError(.torchTensorBounds, "Index \(value) of a sparse tensor lies outside its shape.")
    }
}
