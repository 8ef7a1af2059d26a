extension StoredTensor {
    /// Converts the elements to single precision into a buffer of exactly `elementCount` numbers.
    /// - Returns: What could not be kept; numbers beyond single precision became infinite.
    /// - Throws: ``UD2MError`` with code `conversion-unsupported` or `conversion-size`.
    @discardableResult
    public func copyFloats(to target: UnsafeMutableBufferPointer<Float>) throws -> ConversionLoss {
        var loss = ConversionLoss()
        do {
            try withBytes { bytes in
                try elementType.convert(bytes, to: .f32, into: UnsafeMutableRawBufferPointer(target), loss: &loss)
            }
        } catch let error as UD2MError {
            throw error.located(in: .init(tensor: name.text))
        }
        return loss
    }

    /// The elements in single precision, as a new array.
    /// - Throws: as ``copyFloats(to:)``.
    public func floats() throws -> [Float] {
        try [Float](unsafeUninitializedCapacity: elementCount) { buffer, count in
            try copyFloats(to: UnsafeMutableBufferPointer(rebasing: buffer[..<elementCount]))
            count = elementCount
        }
    }
}
