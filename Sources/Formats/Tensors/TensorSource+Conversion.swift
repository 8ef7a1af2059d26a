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
            let reader = try StridedReader(self)
            guard let dense = reader.denseRange else {
                return try storage.withBytes { try reader.stream($0, as: type, pieceBytes: pieceBytes, body) }
            }
            guard elementType != type || type == .bool else {
                try storage.stream(dense, pieceBytes: max(pieceBytes, 16), body)
                return ConversionLoss()
            }
            return try reader.stream(dense, as: type, pieceBytes: pieceBytes, body)
        } catch let error as UD2MError {
            throw error.located(in: .init(tensor: name.text))
        }
    }
}

extension UD2MError.Code {
    /// A tensor's elements lie outside its storage.
    public static let tensorOutsideStorage = Self("tensor-outside-storage", .badData)
}

extension TensorSource {
    /// The error for elements that are not in the storage.
    static var outsideStorage: UD2MError {
        UD2MError(.tensorOutsideStorage, "The tensor's elements lie outside its storage.")
    }
}
