/// Gathers the elements of a tensor from its storage, whatever their strides and byte order.
struct StridedReader {
    let source: TensorSource
    /// Where in the storage the tensor's bytes lie as a reader wants them; nil when they have to be gathered.
    let denseRange: Range<Int>?

    /// Checks once more that every element is inside the storage.
    init(_ source: TensorSource) throws {
        self.source = source
        let available = source.storage.byteCount
        guard source.shape.count == source.strides.count, source.elementOffset >= 0,
            let byteCount = source.elementType.byteCount(shape: source.shape)
        else { throw TensorSource.outsideStorage }
        guard byteCount > 0 else {
            denseRange = 0..<0
            return
        }
        guard let width = source.elementType.byteWidth else {
            // Packed elements: dense and from a whole byte, or not at all.
            let (bits, overflow) = source.elementOffset.multipliedReportingOverflow(by: source.elementType.bitWidth)
            guard !overflow, bits % 8 == 0, source.isContiguous, bits / 8 <= available,
                byteCount <= available - bits / 8
            else { throw TensorSource.outsideStorage }
            denseRange = bits / 8..<bits / 8 + byteCount
            return
        }
        var last = source.elementOffset
        for (size, stride) in zip(source.shape, source.strides) {
            let (step, overflow) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, sumOverflow) = last.addingReportingOverflow(step)
            guard stride >= 0, !overflow, !sumOverflow else { throw TensorSource.outsideStorage }
            last = sum
        }
        guard last < available / width else { throw TensorSource.outsideStorage }
        let swaps = source.storage.isBigEndian && width > 1
        if source.isContiguous, !swaps, !source.isNegated, !source.isConjugated {
            let start = source.elementOffset * width
            denseRange = start..<start + byteCount
        } else {
            denseRange = nil
        }
    }

    /// Streams dense elements through a buffer that converts them.
    func stream(
        _ dense: Range<Int>, as type: ElementType, pieceBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> ConversionLoss {
        let converter = try PieceConverter(source, to: type, pieceBytes: pieceBytes)
        defer { converter.deallocate() }
        var loss = ConversionLoss()
        try source.storage.stream(dense, pieceBytes: converter.elements * converter.width) { piece in
            try body(converter.convert(piece, loss: &loss))
        }
        return loss
    }

    /// Streams elements that are gathered from the storage's bytes through two buffers.
    func stream(
        _ bytes: UnsafeRawBufferPointer, as type: ElementType, pieceBytes: Int,
        _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> ConversionLoss {
        guard bytes.count >= source.storage.byteCount else { throw TensorSource.outsideStorage }
        let converter = try PieceConverter(source, to: type, pieceBytes: pieceBytes)
        defer { converter.deallocate() }
        let width = converter.width
        let gathered = UnsafeMutableRawBufferPointer.allocate(byteCount: converter.elements * width, alignment: 64)
        defer { gathered.deallocate() }
        var loss = ConversionLoss()
        var start = 0
        let total = source.elementCount
        while start < total {
            let count = min(converter.elements, total - start)
            let piece = UnsafeMutableRawBufferPointer(rebasing: gathered[..<(count * width)])
            gather(bytes, from: start, count: count, width: width, into: piece)
            adjust(piece, width: width)
            try body(converter.convert(UnsafeRawBufferPointer(piece), loss: &loss))
            start += count
        }
        return loss
    }

    private func gather(
        _ bytes: UnsafeRawBufferPointer, from start: Int, count: Int, width: Int,
        into piece: UnsafeMutableRawBufferPointer
    ) {
        switch width {
        case 1: gather(bytes, from: start, count: count, as: UInt8.self, into: piece)
        case 2: gather(bytes, from: start, count: count, as: UInt16.self, into: piece)
        case 4: gather(bytes, from: start, count: count, as: UInt32.self, into: piece)
        case 8: gather(bytes, from: start, count: count, as: UInt64.self, into: piece)
        default: gather(bytes, from: start, count: count, as: SIMD2<UInt64>.self, into: piece)
        }
    }

    /// Copies elements `start..<start + count` of the row-major order.
    private func gather<Element: BitwiseCopyable>(
        _ bytes: UnsafeRawBufferPointer, from start: Int, count: Int, as _: Element.Type,
        into piece: UnsafeMutableRawBufferPointer
    ) {
        guard let base = bytes.baseAddress, let out = piece.baseAddress else { return }
        let width = MemoryLayout<Element>.size
        let shape = source.shape.isEmpty ? [1] : source.shape
        let strides = source.shape.isEmpty ? [0] : source.strides
        let innermost = shape.count - 1
        var index = [Int](repeating: 0, count: shape.count)
        var rest = start
        var position = source.elementOffset
        for axis in shape.indices.reversed() {
            index[axis] = rest % shape[axis]
            rest /= shape[axis]
            position += index[axis] * strides[axis]
        }
        var done = 0
        while done < count {
            let run = min(shape[innermost] - index[innermost], count - done)
            let step = strides[innermost]
            for offset in 0..<run {
                let element = base.loadUnaligned(fromByteOffset: (position + offset * step) * width, as: Element.self)
                out.storeBytes(of: element, toByteOffset: (done + offset) * width, as: Element.self)
            }
            done += run
            index[innermost] += run
            position += run * step
            var axis = innermost
            while axis > 0, index[axis] == shape[axis] {
                position += strides[axis - 1] - shape[axis] * strides[axis]
                index[axis] = 0
                index[axis - 1] += 1
                axis -= 1
            }
        }
    }

    /// Applies byte order, conjugation and negation to gathered elements.
    private func adjust(_ piece: UnsafeMutableRawBufferPointer, width: Int) {
        let type = source.elementType
        let isComplex = source.isComplex
        let partWidth = source.partWidth ?? width
        if source.storage.isBigEndian { Self.swapBytes(piece, width: partWidth) }
        if isComplex {
            // Each flips a sign: both together leave the imaginary part as it is.
            let flipsImaginary = source.isConjugated != source.isNegated
            if flipsImaginary { Self.flipSigns(piece, width: partWidth, from: partWidth, step: width) }
            if source.isNegated { Self.flipSigns(piece, width: partWidth, from: 0, step: width) }
        } else if source.isNegated {
            if type.isFloatingPoint {
                Self.flipSigns(piece, width: width, from: 0, step: width)
            } else if type != .bool {
                Self.negateIntegers(piece, width: width)
            }
        }
    }

    private static func swapBytes(_ piece: UnsafeMutableRawBufferPointer, width: Int) {
        guard width > 1 else { return }
        for start in stride(from: 0, to: piece.count - width + 1, by: width) {
            var element = UnsafeMutableRawBufferPointer(rebasing: piece[start..<start + width])
            element.reverse()
        }
    }

    /// Flips the top bit of a little-endian part of each element.
    private static func flipSigns(_ piece: UnsafeMutableRawBufferPointer, width: Int, from first: Int, step: Int) {
        for start in stride(from: first, to: piece.count - width + 1, by: step) { piece[start + width - 1] ^= 0x80 }
    }

    /// Two's complement of each little-endian integer.
    private static func negateIntegers(_ piece: UnsafeMutableRawBufferPointer, width: Int) {
        for start in stride(from: 0, to: piece.count - width + 1, by: width) {
            var carry: UInt16 = 1
            for index in start..<start + width {
                let sum = UInt16(~piece[index]) + carry
                piece[index] = UInt8(truncatingIfNeeded: sum)
                carry = sum >> 8
            }
        }
    }
}
