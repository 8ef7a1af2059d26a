extension SafetensorsFile {
    /// Writes a plain safetensors file: atomically, and always the same bytes for the same input.
    ///
    /// Tensors are ordered as in a weight store, so that sizes that are multiples of 64 bytes start at such.
    /// - Parameters:
    ///   - path: Where to.
    ///   - tensors: The tensors in any order; names must differ.
    ///   - metadata: Text pairs.
    ///   - overwrite: Whether an existing file may be replaced.
    ///   - inputs: Paths that must not be replaced.
    ///   - progress: Called with the bytes done and all bytes, after each piece; may throw to cancel.
    /// - Throws: ``UD2MError`` with code `store-tensor`, an `output-…` code, or what reading a tensor throws.
    public static func write(
        to path: String, tensors: [TensorInput], metadata: [String: String] = [:], overwrite: Bool = false,
        inputs: [String] = [], progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws {
        try prepare(
            to: path, tensors: tensors, metadata: metadata, overwrite: overwrite, inputs: inputs, progress: progress
        ).commit()
    }

    /// Writes as ``write(to:tensors:metadata:overwrite:inputs:progress:)`` does, but leaves the commit to the caller, so
    /// that several files can appear together.
    package static func prepare(
        to path: String, tensors: [TensorInput], metadata: [String: String], overwrite: Bool, inputs: [String],
        progress: (_ done: Int, _ total: Int) throws -> Void
    ) throws -> AtomicFile {
        let plan = try TensorPlan(tensors)
        let header = try plan.header(metadata: metadata, alignment: 64)
        let file = try AtomicFile(
            path: path, byteCount: header.count + plan.dataBytes, overwrite: overwrite, inputs: inputs)
        try header.withUnsafeBytes { try file.write($0, at: 0) }
        var done = 0
        for (row, index) in zip(plan.rows, plan.order) {
            var position = header.count + row.dataRange.lowerBound
            let end = header.count + row.dataRange.upperBound
            do {
                // No digests: a plain file has nowhere to put them.
                try tensors[index].bytes { bytes in
                    guard bytes.count <= end - position else { throw mismatch(row) }
                    try file.write(bytes, at: position)
                    position += bytes.count
                    done += bytes.count
                    try progress(done, plan.dataBytes)
                }
                guard position == end else { throw mismatch(row) }
            } catch let error as UD2MError {
                throw error.located(in: .init(tensor: row.name.text))
            }
        }
        return file
    }

    /// Bytes of the file that ``write(to:tensors:metadata:overwrite:inputs:progress:)`` would write.
    /// - Throws: ``UD2MError`` with code `store-tensor`.
    public static func plannedSize(tensors: [TensorInput], metadata: [String: String] = [:]) throws -> Int {
        let plan = try TensorPlan(tensors)
        return try plan.header(metadata: metadata, alignment: 64).count + plan.dataBytes
    }

    private static func mismatch(_ row: TensorPlan.Row) -> UD2MError {
        UD2MError(.storeTensorBytes, "The tensor was to have \(row.dataRange.count) bytes.")
    }
}
