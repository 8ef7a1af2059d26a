import UD2MFormats

extension ElementType {
    /// How many of the dense little-endian elements, at any alignment, are NaN or infinite; 0 for types without such
    /// numbers.
    ///
    /// Both have every bit of the exponent set.
    package func notFiniteCount(_ elements: UnsafeRawBufferPointer) -> Int {
        switch self {
        case .f64: elements.count(where: UInt64(0x7FF0_0000_0000_0000))
        case .f32: elements.count(where: UInt32(0x7F80_0000))
        case .f16: elements.count(where: UInt16(0x7C00))
        case .bf16: elements.count(where: UInt16(0x7F80))
        default: 0
        }
    }
}

extension UnsafeRawBufferPointer {
    /// How many words have all bits of a mask set.
    @inline(__always)
    fileprivate func count<Word: FixedWidthInteger & UnsignedInteger>(where mask: Word) -> Int {
        guard var word = baseAddress else { return 0 }
        let words = count / MemoryLayout<Word>.size
        var total = 0
        var block = 0
        // Counted in a word's own width within a block, and walked by pointer, so that the loop becomes SIMD code: it then
        // passes 15 GB/s, against the 2 of hashing.
        while block < words {
            let end = Swift.min(block + 1 << 15, words)
            var matches: Word = 0
            for _ in block..<end {
                matches &+= Word(littleEndian: word.loadUnaligned(as: Word.self)) & mask == mask ? 1 : 0
                word += MemoryLayout<Word>.size
            }
            total += Int(matches)
            block = end
        }
        return total
    }
}

extension TensorInput {
    /// The same tensor; numbers that are NaN or infinite are counted in a ledger while its bytes pass, when they are in
    /// the cache anyway.
    func countingNotFinite(in ledger: ConversionLedger) -> TensorInput {
        var counting = self
        counting.bytes = { [name, elementType, bytes] body in
            var count = 0
            try bytes { piece in
                count += elementType.notFiniteCount(piece)
                try body(piece)
            }
            ledger.record(notFinite: count, for: name)
        }
        return counting
    }
}
