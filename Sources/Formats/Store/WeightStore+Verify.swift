extension WeightStore {
    /// A tensor whose bytes are not those that the digests were computed from.
    public struct Mismatch: Sendable, Hashable {
        /// Which digest differs.
        public enum Kind: String, Sendable, Hashable {
            /// The checksum.
            case xxh64
            /// The cryptographic digest.
            case sha256
        }

        /// The tensor.
        public let tensor: TensorName
        /// The digest that differs.
        public let kind: Kind
        /// The damaged bytes, counted from the start of the file: the first chunk that differs, or the whole tensor.
        public let range: Range<Int>
    }

    /// Compares the data with the recorded digests.
    /// - Parameters:
    ///   - deep: Whether to compute SHA-256 as well as XXH64, at about a third of the speed.
    ///   - progress: Called with the bytes done and all bytes, after each piece of at most 4 MiB.
    /// - Returns: The tensors that differ, in file order; empty when all is well.
    /// - Throws: ``UD2MError`` with code `file-changed`, or `store-checksums` when the file has no digests.
    public func verify(deep: Bool, progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }) throws
        -> [Mismatch]
    {
        let file = safetensors.file
        try file.checkUnchanged()
        let entries = safetensors.entries.sorted { $0.range.lowerBound < $1.range.lowerBound }
        let total = file.count - safetensors.dataStart
        var done = 0
        file.advise(.sequential, range: safetensors.dataStart..<file.count)
        defer { file.advise(.normal) }
        let mismatches = try entries.compactMap { entry in
            try mismatch(of: entry, deep: deep) { bytes in
                done += bytes
                try progress(done, total)
            }
        }
        try file.checkUnchanged()
        return mismatches
    }

    /// Compares one tensor with its digests; calls for different tensors may run at the same time.
    /// - Returns: Nil when they agree.
    /// - Throws: ``UD2MError`` with code `store-checksums` when the file has none for it.
    package func mismatch(
        of entry: SafetensorsFile.Entry, deep: Bool, progress: (_ bytes: Int) throws -> Void = { _ in }
    ) throws -> Mismatch? {
        guard let expected = digests(of: entry.name) else {
            throw UD2MError(
                .storeChecksums, "The file has no checksums to compare with.", at: .init(file: path),
                remedy: "Convert it to a .ud2w store first.")
        }
        // Chunk hashes cover every byte; hashing the whole as well would tell nothing more.
        var hasher = try VerifyingHasher(checksum: expected.chunks.isEmpty, deep: deep)
        var damagedChunk: Range<Int>?
        var start = entry.range.lowerBound
        var chunk = 0
        try safetensors.file.stream(entry.range, pieceBytes: TensorDigests.chunkBytes) { bytes in
            try hasher.update(bytes)
            let end = start + bytes.count
            if damagedChunk == nil, chunk < expected.chunks.count, XXHash64.hash(bytes) != expected.chunks[chunk] {
                damagedChunk = start..<end
            }
            chunk += 1
            start = end
            try progress(bytes.count)
        }
        let kind = damagedChunk == nil ? try hasher.finish(expected) : .xxh64
        return kind.map { Mismatch(tensor: entry.name, kind: $0, range: damagedChunk ?? entry.range) }
    }
}

/// The digests of one tensor on the reading side.
private struct VerifyingHasher: ~Copyable {
    private var xxh64: XXHash64
    private var sha256: SHA256
    private let hasChecksum: Bool
    private let deep: Bool

    init(checksum hasChecksum: Bool, deep: Bool) throws {
        let checksum = try XXHash64()
        let digest = try SHA256()
        xxh64 = checksum
        sha256 = digest
        self.hasChecksum = hasChecksum
        self.deep = deep
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) throws {
        if hasChecksum { xxh64.update(bytes) }
        if deep { try sha256.update(bytes) }
    }

    /// The first digest that differs.
    mutating func finish(_ expected: TensorDigests) throws -> WeightStore.Mismatch.Kind? {
        if hasChecksum, xxh64.text() != expected.xxh64 { return .xxh64 }
        if deep, try sha256.finish() != expected.sha256 { return .sha256 }
        return nil
    }
}
