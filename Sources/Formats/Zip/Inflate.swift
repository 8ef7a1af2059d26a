import CZlib

/// Why raw deflate data could not be inflated to a declared size.
package enum InflateFailure: Error, Sendable, Hashable {
    /// The stream yields more bytes than declared.
    case tooLong
    /// The stream ends, or its input does, before the declared size.
    case tooShort
    /// Input is left after the stream's end.
    case trailingInput
    /// zlib calls the stream malformed, or has no memory.
    case malformed
}

/// Inflates raw deflate data into exactly `count` bytes, never writing more.
/// - Throws: ``InflateFailure``.
package func inflateRaw(_ input: UnsafeRawBufferPointer, count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { output, initialized in
        try inflateRaw(input, into: UnsafeMutableRawBufferPointer(output))
        initialized = count
    }
}

/// Inflates raw deflate data into `output`; where there is more, `output` holds the beginning when this throws.
/// - Throws: ``InflateFailure``.
func inflateRaw(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws {
    var inflater = try RawInflater(input)
    defer { inflater.end() }
    try inflater.fill(output)
    try inflater.finish()
}

/// Inflates the first `count` bytes of raw deflate data.
/// - Throws: ``InflateFailure``.
func inflateStart(_ input: UnsafeRawBufferPointer, count: Int) throws -> [UInt8] {
    var inflater = try RawInflater(input)
    defer { inflater.end() }
    return try [UInt8](unsafeUninitializedCapacity: count) { output, initialized in
        try inflater.fill(UnsafeMutableRawBufferPointer(output))
        initialized = count
    }
}

/// Inflates raw deflate data of exactly `count` bytes in pieces of `pieceBytes`, the last one shorter.
/// - Throws: ``InflateFailure``, after the pieces before the failure; or what `body` throws.
func inflateRaw(
    _ input: UnsafeRawBufferPointer, count: Int, pieceBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
) throws {
    var inflater = try RawInflater(input)
    defer { inflater.end() }
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, min(count, pieceBytes)), alignment: 64)
    defer { piece.deallocate() }
    var given = 0
    while given < count {
        let part = UnsafeMutableRawBufferPointer(rebasing: piece[..<min(piece.count, count - given)])
        try inflater.fill(part)
        try body(UnsafeRawBufferPointer(part))
        given += part.count
    }
    try inflater.finish()
}

/// A raw deflate stream over input that is all there; ``end()`` gives zlib's memory back.
private struct RawInflater {
    private let input: UnsafeRawBufferPointer
    /// zlib remembers where its structure lies, so that stays in one place.
    private let stream: UnsafeMutablePointer<z_stream>
    private var taken = 0
    private var isOver = false

    /// Bytes that zlib's counters are given at a time.
    private static let portion = 1 << 30

    init(_ input: UnsafeRawBufferPointer) throws {
        self.input = input
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            stream.deallocate()
            throw InflateFailure.malformed
        }
    }

    func end() {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Fills all of `output`.
    mutating func fill(_ output: UnsafeMutableRawBufferPointer) throws {
        var given = 0
        while given < output.count {
            guard !isOver else { throw InflateFailure.tooShort }
            given += try step(UnsafeMutableRawBufferPointer(rebasing: output[given...]))
        }
    }

    /// Checks that the stream ends here, and its input with it: a spare byte tells one that would go on.
    mutating func finish() throws {
        var spare: UInt8 = 0
        while !isOver {
            let produced = try withUnsafeMutableBytes(of: &spare) { try step($0) }
            guard produced == 0 else { throw InflateFailure.tooLong }
        }
        guard taken == input.count else { throw InflateFailure.trailingInput }
    }

    /// Inflates once, and gives the bytes that came out.
    private mutating func step(_ output: UnsafeMutableRawBufferPointer) throws -> Int {
        let source = UnsafeRawBufferPointer(rebasing: input[taken..<min(taken + Self.portion, input.count)])
        let room = min(output.count, Self.portion)
        stream.pointee.next_in = UnsafeMutablePointer(mutating: source.bindMemory(to: UInt8.self).baseAddress)
        stream.pointee.avail_in = uInt(source.count)
        stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
        stream.pointee.avail_out = uInt(room)
        let status = inflate(stream, Z_NO_FLUSH)
        let consumed = source.count - Int(stream.pointee.avail_in)
        let produced = room - Int(stream.pointee.avail_out)
        taken += consumed
        switch status {
        case Z_STREAM_END: isOver = true
        case Z_OK, Z_BUF_ERROR:
            guard consumed > 0 || produced > 0 else { throw InflateFailure.tooShort }
        default: throw InflateFailure.malformed
        }
        return produced
    }
}
