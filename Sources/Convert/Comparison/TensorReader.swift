import UD2MFormats

/// Reads tensors as numbers, block by block, in bounded memory.
struct TensorReader: ~Copyable {
    /// Elements read at a time.
    static let blockElements = 1 << 16

    /// Numbers of a block, as the nearest doubles and what those lack.
    struct Numbers {
        /// The numbers, rounded to double precision.
        let nearest: UnsafeBufferPointer<Double>
        /// What 64-bit integers lost to that rounding, to be added; nil for types that lose nothing.
        let remainders: UnsafeBufferPointer<Double>?
    }

    private let nearest = UnsafeMutableBufferPointer<Double>.allocate(capacity: 2 * blockElements)
    private let remainders = UnsafeMutableBufferPointer<Double>.allocate(capacity: blockElements)

    deinit {
        nearest.deallocate()
        remainders.deallocate()
    }

    /// The numbers of a block, valid until the next call; nil for elements that are no numbers to us.
    mutating func numbers(of block: TensorSource) throws -> Numbers? {
        guard block.elementCount <= Self.blockElements, let form = block.numberForm else { return nil }
        return try block.withContiguousBytes { bytes in
            guard let count = form.type.doubles(bytes, into: nearest) else { return nil }
            let hasRemainders = form.type.remainders(bytes, into: remainders)
            return Numbers(
                nearest: UnsafeBufferPointer(rebasing: nearest[..<count]),
                remainders: hasRemainders ? UnsafeBufferPointer(rebasing: remainders[..<count]) : nil)
        }
    }
}

extension TensorSource {
    /// How the elements are read as numbers: the type of each, and how many make an element; nil where they are bits
    /// without a value, or packed in no defined order. Quantised elements are their stored integers.
    var numberForm: (type: ElementType, perElement: Int)? {
        switch torchType {
        case nil, "qint8", "quint8", "qint32": elementType.numbersPerElement.map { (elementType, $0) }
        case "complex32": (.f16, 2)
        case "bcomplex32": (.bf16, 2)
        default: nil
        }
    }

    /// The tensor in blocks of at most ``TensorReader/blockElements`` elements.
    /// - Throws: ``UD2MFormats/UD2MError`` with code `tensor-expansion` for a tensor that repeats beyond measure.
    func blocks() throws -> [TensorSource] {
        try checkExpansion()
        var blocks: [TensorSource] = []
        try forEachBlock(maximumElements: TensorReader.blockElements) { blocks.append($0) }
        return blocks
    }
}
