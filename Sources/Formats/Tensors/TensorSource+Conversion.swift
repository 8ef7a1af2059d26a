extension TensorSource {
    /// Streams the tensor's dense little-endian elements, converted to `type`, in order and in pieces.
    ///
    /// A dense little-endian tensor of that type is given out of its storage without a copy; anything else passes
    /// through two buffers of at most `pieceBytes`, which the second-level cache holds. Every piece but the last has whole elements and the same size.
    /// - Returns: What the conversion could not keep.
    /// - Throws: ``UD2MError`` with code `conversion-unsupported`, `tensor-outside-storage`, `tensor-expansion`, or what `body` or the
    ///   storage throws; the location names the tensor.
    @discardableResult
    public func stream(
        as type: ElementType, pieceBytes: Int = 256 << 10, limits: Limits = .standard,
        _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> ConversionLoss {
        do {
            guard torchType == nil || type == elementType else {
                throw UD2MError(
                    .conversionUnsupported, "\(elementTypeName) elements cannot become \(type.rawValue).")
            }
            try checkExpansion(limits: limits)
            return try storage.withBytes { bytes in
                let reader = try StridedReader(self, bytes: bytes)
                if let dense = reader.denseBytes, elementType == type, type != .bool {
                    var start = 0
                    while start < dense.count {
                        let end = min(start + max(pieceBytes, 16), dense.count)
                        try body(UnsafeRawBufferPointer(rebasing: dense[start..<end]))
                        start = end
                    }
                    return ConversionLoss()
                }
                return try reader.stream(as: type, pieceBytes: pieceBytes, body)
            }
        } catch let error as UD2MError {
            throw error.located(in: .init(tensor: name.text))
        }
    }
}

extension UD2MError.Code {
    /// A tensor's elements lie outside its storage.
    public static let tensorOutsideStorage = Self("tensor-outside-storage", .badData)
}

/// Gathers the elements of a tensor from its storage, whatever their strides and byte order.
private struct StridedReader {
    let source: TensorSource
    let bytes: UnsafeRawBufferPointer
    /// The tensor's bytes where they already lie as a reader wants them.
    let denseBytes: UnsafeRawBufferPointer?

    /// Checks once more that every element is inside the storage: the storage may have turned out shorter.
    init(_ source: TensorSource, bytes: UnsafeRawBufferPointer) throws {
        self.source = source
        self.bytes = bytes
        let outside = UD2MError(.tensorOutsideStorage, "The tensor's elements lie outside its storage.")
        guard source.shape.count == source.strides.count, source.elementOffset >= 0,
            let byteCount = source.elementType.byteCount(shape: source.shape)
        else { throw outside }
        guard byteCount > 0 else {
            denseBytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let width = source.elementType.byteWidth else {
            // Packed elements: dense and from a whole byte, or not at all.
            let (bits, overflow) = source.elementOffset.multipliedReportingOverflow(by: source.elementType.bitWidth)
            guard !overflow, bits % 8 == 0, source.isContiguous, bits / 8 <= bytes.count,
                byteCount <= bytes.count - bits / 8
            else { throw outside }
            denseBytes = UnsafeRawBufferPointer(rebasing: bytes[bits / 8..<bits / 8 + byteCount])
            return
        }
        var last = source.elementOffset
        for (size, stride) in zip(source.shape, source.strides) {
            let (step, overflow) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, sumOverflow) = last.addingReportingOverflow(step)
            guard stride >= 0, !overflow, !sumOverflow else { throw outside }
            last = sum
        }
        guard last < bytes.count / width else { throw outside }
        let swaps = source.storage.isBigEndian && width > 1
        if source.isContiguous, !swaps, !source.isNegated, !source.isConjugated {
            let start = source.elementOffset * width
            denseBytes = UnsafeRawBufferPointer(rebasing: bytes[start..<start + byteCount])
        } else {
            denseBytes = nil
        }
    }

    /// Streams through buffers.
    func stream(
        as type: ElementType, pieceBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> ConversionLoss {
        guard source.elementType.isConvertible(to: type), let width = source.elementType.byteWidth,
            let targetWidth = type.byteWidth
        else {
            throw UD2MError(
                .conversionUnsupported, "\(source.elementType.rawValue) elements cannot become \(type.rawValue).")
        }
        let total = source.elementCount
        let pieceElements = max(1, min(total, pieceBytes / max(width, targetWidth)))
        let gathered = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceElements * width, alignment: 64)
        defer { gathered.deallocate() }
        let converted = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceElements * targetWidth, alignment: 64)
        defer { converted.deallocate() }
        var loss = ConversionLoss()
        var start = 0
        while start < total {
            let count = min(pieceElements, total - start)
            let input: UnsafeRawBufferPointer
            if let dense = denseBytes {
                input = UnsafeRawBufferPointer(rebasing: dense[start * width..<(start + count) * width])
            } else {
                let piece = UnsafeMutableRawBufferPointer(rebasing: gathered[..<(count * width)])
                gather(from: start, count: count, width: width, into: piece)
                adjust(piece, width: width)
                input = UnsafeRawBufferPointer(piece)
            }
            let output = UnsafeMutableRawBufferPointer(rebasing: converted[..<(count * targetWidth)])
            try source.elementType.convert(input, to: type, into: output, loss: &loss)
            try body(UnsafeRawBufferPointer(output))
            start += count
        }
        return loss
    }

    private func gather(from start: Int, count: Int, width: Int, into piece: UnsafeMutableRawBufferPointer) {
        switch width {
        case 1: gather(from: start, count: count, as: UInt8.self, into: piece)
        case 2: gather(from: start, count: count, as: UInt16.self, into: piece)
        case 4: gather(from: start, count: count, as: UInt32.self, into: piece)
        case 8: gather(from: start, count: count, as: UInt64.self, into: piece)
        default: gather(from: start, count: count, as: SIMD2<UInt64>.self, into: piece)
        }
    }

    /// Copies elements `start..<start + count` of the row-major order.
    private func gather<Element: BitwiseCopyable>(
        from start: Int, count: Int, as _: Element.Type, into piece: UnsafeMutableRawBufferPointer
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
