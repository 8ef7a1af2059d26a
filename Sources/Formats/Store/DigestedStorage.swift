import Synchronization

/// A tensor of a weight store as a storage whose bytes are compared with the recorded checksums before they count
/// (`formats.md` §12.6).
///
/// Streaming the whole hashes the bytes as they pass, and compares after the last piece. Reading a part compares the
/// chunks that it touches, each once: damage elsewhere in the tensor neither costs nor hinders it.
final class DigestedStorage: TensorStorage {
    private let stored: MappedStorage
    fileprivate let digests: TensorDigests
    /// The file, the tensor, and where its bytes begin.
    private let location: UD2MError.Location
    /// Of each chunk whether its bytes have matched; a tensor without chunk hashes is one chunk.
    private let isVerified: Mutex<[Bool]>

    var key: String { stored.key }
    var byteCount: Int { stored.byteCount }
    var isBigEndian: Bool { false }

    init(_ stored: MappedStorage, digests: TensorDigests, at location: UD2MError.Location) {
        self.stored = stored
        self.digests = digests
        self.location = location
        isVerified = Mutex(Array(repeating: false, count: max(digests.chunks.count, 1)))
    }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try verify(0..<byteCount)
        return try stored.withBytes(body)
    }

    func withBytes<Result>(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try verify(range)
        return try stored.withBytes(in: range, body)
    }

    func stream(
        _ range: Range<Int>, pieceBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard range == 0..<byteCount, isVerified.withLock({ $0.contains(false) }) else {
            try verify(range)
            return try stored.stream(range, pieceBytes: pieceBytes, body)
        }
        var hash = try XXHash64()
        try stored.stream(range, pieceBytes: pieceBytes) { piece in
            hash.update(piece)
            try body(piece)
        }
        guard hash.text() == digests.xxh64 else { throw damaged(at: 0) }
        isVerified.withLock { $0 = Array(repeating: true, count: $0.count) }
    }

    /// Compares the chunks that hold a range; others who need them wait, rather than read them as well.
    private func verify(_ range: Range<Int>) throws {
        guard range.lowerBound >= 0, range.upperBound <= byteCount else { throw TensorSource.outsideStorage }
        guard !range.isEmpty else { return }
        try isVerified.withLock { isVerified in
            let isChunked = !digests.chunks.isEmpty
            let chunkBytes = isChunked ? TensorDigests.chunkBytes : byteCount
            for index in range.lowerBound / chunkBytes...(range.upperBound - 1) / chunkBytes where !isVerified[index] {
                let chunk = index * chunkBytes..<min((index + 1) * chunkBytes, byteCount)
                var hash = try XXHash64()
                try stored.stream(chunk, pieceBytes: 1 << 20) { hash.update($0) }
                guard hash.text() == (isChunked ? digests.chunks[index] : digests.xxh64) else {
                    throw damaged(at: chunk.lowerBound)
                }
                isVerified[index] = true
            }
        }
    }

    /// The error for bytes from `offset` in the tensor on.
    private func damaged(at offset: Int) -> UD2MError {
        var place = location
        place.byteOffset = place.byteOffset.map { $0 + offset }
        return UD2MError(
            .storeDigest, "The tensor's bytes do not match their XXH64.", at: place,
            remedy: "The file is damaged: fetch or convert it again. ud2m-convert verify names every damaged tensor.")
    }
}

extension TensorSource {
    /// What a store has recorded of the bytes that streaming this tensor in its own type gives; nil for tensors of other
    /// files, for parts and rearrangements, and for booleans, whose bytes are normalised.
    package var recordedDigests: TensorDigests? {
        guard let stored = storage as? DigestedStorage, elementType != .bool, isContiguous, elementOffset == 0,
            elementType.byteCount(shape: shape) == stored.byteCount,
            stored.digests.chunks.count == TensorDigests.chunkCount(byteCount: stored.byteCount)
        else { return nil }
        return stored.digests
    }
}
