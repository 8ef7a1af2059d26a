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
    /// - Throws: ``UD2MError`` with code `store-tensor`, an `output-…` code, or what reading a tensor throws.
    public static func write(
        to path: String, tensors: [TensorInput], metadata: [String: String] = [:], overwrite: Bool = false,
        inputs: [String] = []
    ) throws {
        let plan = try TensorPlan(tensors)
        let header = try plan.header(metadata: metadata, alignment: 64)
        let file = try AtomicFile(
            path: path, byteCount: header.count + plan.dataBytes, overwrite: overwrite, inputs: inputs)
        try header.withUnsafeBytes { try file.write($0, at: 0) }
        for (row, index) in zip(plan.rows, plan.order) {
            _ = try TensorWriter.write(
                tensors[index], byteCount: row.dataRange.count, at: header.count + row.dataRange.lowerBound, to: file
            ) { _ in }
        }
        try file.commit()
    }
}
