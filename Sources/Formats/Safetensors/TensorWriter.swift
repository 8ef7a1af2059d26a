/// Streams tensors to their places in a file, computing digests on the way.
package enum TensorWriter {
    /// Writes one tensor's bytes from `offset` on and hashes them in the same pass, unless their digests are on record:
    /// then the store that they come from compares them while they are read.
    ///
    /// Calls for different tensors are independent of each other and may run at the same time.
    /// - Throws: ``UD2MError`` with code `store-tensor-bytes` when the input gives more or fewer bytes than planned, or
    ///   what reading and writing throw; the location names the tensor.
    package static func write(
        _ input: TensorInput, byteCount: Int, at offset: Int, to file: AtomicFile,
        progress: (_ bytes: Int) throws -> Void
    ) throws -> TensorDigests {
        do {
            var done = 0
            func mismatch() -> UD2MError {
                UD2MError(.storeTensorBytes, "The tensor was to have \(byteCount) bytes, not \(done).")
            }
            func write(_ bytes: UnsafeRawBufferPointer) throws {
                done += bytes.count
                guard done <= byteCount else { throw mismatch() }
                try file.write(bytes, at: offset + done - bytes.count)
                try progress(bytes.count)
            }
            if let digests = input.recordedDigests {
                try input.bytes { try write($0) }
                guard done == byteCount else { throw mismatch() }
                return digests
            }
            var hasher = try TensorHasher(byteCount: byteCount)
            try input.bytes { bytes in
                try hasher.update(bytes)
                try write(bytes)
            }
            guard done == byteCount else { throw mismatch() }
            return try hasher.finish()
        } catch let error as UD2MError {
            throw error.located(in: .init(tensor: input.name.text))
        }
    }
}
