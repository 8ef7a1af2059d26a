/// Streams tensors to their places in a file, computing digests on the way.
package enum TensorWriter {
    /// Writes one tensor's bytes from `offset` on and hashes them in the same pass.
    ///
    /// Calls for different tensors are independent of each other and may run at the same time.
    /// - Throws: ``UD2MError`` with code `store-tensor-bytes` when the input gives more or fewer bytes than planned, or
    ///   what reading and writing throw; the location names the tensor.
    package static func write(
        _ input: TensorInput, byteCount: Int, at offset: Int, to file: AtomicFile,
        progress: (_ bytes: Int) throws -> Void
    ) throws -> TensorDigests {
        do {
            var hasher = try TensorHasher(byteCount: byteCount)
            var done = 0
            func mismatch() -> UD2MError {
                UD2MError(.storeTensorBytes, "The tensor was to have \(byteCount) bytes, not \(done).")
            }
            try input.bytes { bytes in
                done += bytes.count
                guard done <= byteCount else { throw mismatch() }
                try hasher.update(bytes)
                try file.write(bytes, at: offset + done - bytes.count)
                try progress(bytes.count)
            }
            guard done == byteCount else { throw mismatch() }
            return try hasher.finish()
        } catch let error as UD2MError {
            throw error.located(in: .init(tensor: input.name.text))
        }
    }
}
