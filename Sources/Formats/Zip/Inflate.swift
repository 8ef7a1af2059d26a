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
    var stream = z_stream()
    guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
        throw InflateFailure.malformed
    }
    defer { inflateEnd(&stream) }

    let piece = 1 << 30
    var taken = 0
    var given = 0
    // Once the output is full, one spare byte tells a finished stream from one that would go on.
    var spare: UInt8 = 0
    while true {
        let inputCount = min(piece, input.count - taken)
        let outputCount = min(piece, output.count - given)
        let source = UnsafeRawBufferPointer(rebasing: input[taken..<(taken + inputCount)])
        stream.next_in = UnsafeMutablePointer(mutating: source.bindMemory(to: UInt8.self).baseAddress)
        stream.avail_in = uInt(inputCount)
        let isFull = outputCount == 0
        let status = withUnsafeMutablePointer(to: &spare) { spare in
            if isFull {
                stream.next_out = spare
                stream.avail_out = 1
            } else {
                let target = UnsafeMutableRawBufferPointer(rebasing: output[given..<(given + outputCount)])
                stream.next_out = target.bindMemory(to: UInt8.self).baseAddress
                stream.avail_out = uInt(outputCount)
            }
            return inflate(&stream, Z_NO_FLUSH)
        }
        let consumed = inputCount - Int(stream.avail_in)
        let produced = (isFull ? 1 : outputCount) - Int(stream.avail_out)
        taken += consumed
        if isFull {
            guard produced == 0 else { throw InflateFailure.tooLong }
        } else {
            given += produced
        }
        switch status {
        case Z_STREAM_END:
            guard given == output.count else { throw InflateFailure.tooShort }
            guard taken == input.count else { throw InflateFailure.trailingInput }
            return
        case Z_OK, Z_BUF_ERROR:
            guard consumed > 0 || produced > 0 else { throw InflateFailure.tooShort }
        default:
            throw InflateFailure.malformed
        }
    }
}
