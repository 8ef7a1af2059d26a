extension TensorSource {
    /// Calls `body` with consecutive parts of the tensor, each a tensor of at most `maximumElements` elements, in
    /// row-major order.
    ///
    /// Tensors of the same shape have the same parts, packed ones aside, so that two can be read in step with bounded memory.
    /// - Throws: What `body` throws.
    package func forEachBlock(maximumElements: Int, _ body: (TensorSource) throws -> Void) throws {
        guard elementCount > max(maximumElements, 1), shape.count == strides.count else { return try body(self) }
        guard elementType.byteWidth != nil else {
            return try forEachPackedBlock(maximumElements: maximumElements, body)
        }
        // The outermost dimension whose rows fit is cut into runs of rows; those outside it are walked one by one.
        var axis = 0
        var rowElements = elementCount
        while axis < shape.count, rowElements > maximumElements {
            rowElements /= shape[axis]
            axis += 1
        }
        let cut = axis - 1
        let rows = max(1, maximumElements / max(rowElements, 1))
        var index = [Int](repeating: 0, count: cut)
        while true {
            let base = zip(index, strides).reduce(elementOffset) { $0 + $1.0 * $1.1 }
            for start in stride(from: 0, to: shape[cut], by: rows) {
                var part = self
                part.shape = [min(rows, shape[cut] - start)] + shape[(cut + 1)...]
                part.strides = Array(strides[cut...])
                part.elementOffset = base + start * strides[cut]
                try body(part)
            }
            var carried = cut - 1
            while carried >= 0 {
                index[carried] += 1
                if index[carried] < shape[carried] { break }
                index[carried] = 0
                carried -= 1
            }
            if carried < 0 { return }
        }
    }

    /// Cuts a dense tensor of packed elements into runs of whole bytes.
    private func forEachPackedBlock(maximumElements: Int, _ body: (TensorSource) throws -> Void) throws {
        // Eight elements are whole bytes whatever their width.
        let run = maximumElements / 8 * 8
        guard isContiguous, run > 0 else { return try body(self) }
        for start in stride(from: 0, to: elementCount, by: run) {
            var part = self
            part.shape = [min(run, elementCount - start)]
            part.strides = [1]
            part.elementOffset = elementOffset + start
            try body(part)
        }
    }
}
