import UD2MFormats

/// Reads tensors as numbers, block by block, in bounded memory.
struct TensorReader: ~Copyable {
    /// Elements read at a time.
    static let blockElements = 1 << 16

    private let buffer = UnsafeMutableBufferPointer<Double>.allocate(capacity: 2 * blockElements)

    deinit { buffer.deallocate() }

    /// The numbers of a block, valid until the next call; nil for packed types.
    mutating func numbers(of block: TensorSource) throws -> UnsafeBufferPointer<Double>? {
        guard block.elementCount <= Self.blockElements else { return nil }
        let count = try block.withContiguousBytes { block.elementType.doubles($0, into: buffer) }
        return count.map { UnsafeBufferPointer(rebasing: buffer[..<$0]) }
    }
}

extension TensorSource {
    /// The tensor in blocks of at most ``TensorReader/blockElements`` elements.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `tensor-expansion` for a tensor that repeats beyond measure.
    func blocks() throws -> [TensorSource] {
        try checkExpansion()
        var blocks: [TensorSource] = []
        try forEachBlock(maximumElements: TensorReader.blockElements) { blocks.append($0) }
        return blocks
    }
}
