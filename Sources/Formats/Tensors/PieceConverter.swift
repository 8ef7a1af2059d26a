/// Converts a tensor's elements to another type, piece by piece through one buffer that the second-level cache holds.
struct PieceConverter {
    /// Elements of a whole piece.
    let elements: Int
    /// Bytes of an element before conversion.
    let width: Int
    private let source: ElementType
    private let target: ElementType
    private let targetWidth: Int
    private let converted: UnsafeMutableRawBufferPointer

    /// Allocates the buffer; call ``deallocate()`` when done.
    /// - Throws: ``UD2MError`` with code `conversion-unsupported`.
    init(_ tensor: TensorSource, to type: ElementType, pieceBytes: Int) throws {
        guard tensor.elementType.isConvertible(to: type), let width = tensor.elementType.byteWidth,
            let targetWidth = type.byteWidth
        else {
            throw UD2MError(
                .conversionUnsupported, "\(tensor.elementType.rawValue) elements cannot become \(type.rawValue).")
        }
        source = tensor.elementType
        target = type
        self.width = width
        self.targetWidth = targetWidth
        elements = max(1, min(tensor.elementCount, pieceBytes / max(width, targetWidth)))
        converted = .allocate(byteCount: elements * targetWidth, alignment: 64)
    }

    func deallocate() { converted.deallocate() }

    /// At most ``elements`` elements in the new type, valid until the next call.
    func convert(_ piece: UnsafeRawBufferPointer, loss: inout ConversionLoss) throws -> UnsafeRawBufferPointer {
        let output = UnsafeMutableRawBufferPointer(rebasing: converted[..<(piece.count / width * targetWidth)])
        try source.convert(piece, to: target, into: output, loss: &loss)
        return UnsafeRawBufferPointer(output)
    }
}
