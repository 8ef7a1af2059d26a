/// The checksums of one tensor's bytes, as `ud2w.check` records them (`formats.md` §12.6).
public struct TensorDigests: Sendable, Hashable {
    /// Bytes of a chunk that is hashed by itself.
    public static let chunkBytes = 4 << 20
    /// Tensors larger than this have chunk hashes.
    public static let chunkThreshold = 8 << 20

    /// XXH64 of all bytes, 16 hexadecimal digits.
    public let xxh64: String
    /// SHA-256 of all bytes, 64 hexadecimal digits.
    public let sha256: String
    /// XXH64 of each chunk, the last one shorter; empty for small tensors.
    public let chunks: [String]

    /// Digests that have the right spelling and length but mean nothing: room in a header that is filled later.
    package static func placeholder(byteCount: Int) -> TensorDigests {
        TensorDigests(
            xxh64: String(repeating: "0", count: 16), sha256: String(repeating: "0", count: 64),
            chunks: Array(repeating: String(repeating: "0", count: 16), count: chunkCount(byteCount: byteCount)))
    }

    /// Chunk hashes that a tensor of `byteCount` bytes has.
    package static func chunkCount(byteCount: Int) -> Int {
        byteCount > chunkThreshold ? (byteCount - 1) / chunkBytes + 1 : 0
    }
}

/// Computes the digests of one tensor while its bytes stream by.
package struct TensorHasher: ~Copyable {
    private var xxh64: XXHash64
    private var sha256: SHA256
    private var chunk: XXHash64
    private var chunks: [String] = []
    private var chunkFill = 0
    private let hasChunks: Bool

    /// Starts the digests of a tensor of `byteCount` bytes.
    package init(byteCount: Int) throws {
        // Locals first: a throw half-way must find none of the properties initialised.
        let whole = try XXHash64()
        let secure = try SHA256()
        let part = try XXHash64()
        xxh64 = whole
        sha256 = secure
        chunk = part
        hasChunks = TensorDigests.chunkCount(byteCount: byteCount) > 0
    }

    /// Adds the next bytes.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) throws {
        xxh64.update(bytes)
        try sha256.update(bytes)
        guard hasChunks else { return }
        var rest = bytes
        while !rest.isEmpty {
            let count = min(rest.count, TensorDigests.chunkBytes - chunkFill)
            chunk.update(UnsafeRawBufferPointer(rebasing: rest[..<count]))
            chunkFill += count
            if chunkFill == TensorDigests.chunkBytes { endChunk() }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Ends the digests; call once.
    package mutating func finish() throws -> TensorDigests {
        if chunkFill > 0 { endChunk() }
        return TensorDigests(xxh64: xxh64.text(), sha256: try sha256.finish(), chunks: chunks)
    }

    private mutating func endChunk() {
        chunks.append(chunk.text())
        chunk.reset()
        chunkFill = 0
    }
}
