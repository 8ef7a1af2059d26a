/// What the header of an `.npy` array says (`formats.md` §7).
struct NPYDescription {
    /// The elements' type and byte order.
    let type: NumPyElementType
    /// Sizes, outermost first.
    let shape: [Int]
    /// Whether the first dimension varies fastest.
    let isFortran: Bool
    /// The first data byte.
    let dataOffset: Int

    /// Bytes of the array, checked against overflow when the header was read.
    var byteCount: Int { type.elementType.byteCount(shape: shape) ?? 0 }

    /// Reads the header at the start of `bytes`; the data of numbers need not be there.
    /// - Throws: ``UD2MError`` with code `npy-header`; `npy-objects` for a pickle of Python objects, with what it would do
    ///   as its findings, or the `pickle-…` error that ends it; or `npy-dtype` for structures, texts and whatever else is
    ///   no number.
    init(_ bytes: UnsafeRawBufferPointer, entry: String, limits: Limits) throws {
        func malformed(_ message: String, at offset: Int, remedy: String? = nil) -> UD2MError {
            UD2MError(.npyHeader, message, at: .init(byteOffset: offset), remedy: remedy)
        }
        let again = "An incomplete download? Fetch the file again."
        guard bytes.hasBytes([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59], at: 0) else {
            throw malformed("This is no NumPy array.", at: 0)
        }
        guard bytes.count >= 12 else {
            throw malformed(
                "The array ends after \(bytes.count) bytes; its header's length alone takes 12.", at: 0, remedy: again)
        }
        let start: Int
        let length: Int
        switch (bytes[6], bytes[7]) {
        case (1, 0):
            start = 10
            length = Int(bytes.littleEndian(UInt16.self, at: 8) ?? 0)
        case (2, 0), (3, 0):
            start = 12
            length = Int(bytes.littleEndian(UInt32.self, at: 8) ?? 0)
        default:
            throw malformed("The version is \(bytes[6]).\(bytes[7]); 1.0, 2.0 and 3.0 exist.", at: 6)
        }
        guard length <= Self.maximumHeaderBytes else {
            throw malformed("The header claims \(length) bytes; at most \(Self.maximumHeaderBytes) are read.", at: 8)
        }
        guard let header = bytes.slice(start..<start + length) else {
            throw malformed(
                "The file ends inside its header: \(length) bytes are expected, and \(bytes.count - start) found.",
                at: 8, remedy: again)
        }
        var parser = NPYLiteralParser(header, baseOffset: start)
        let fields: NPYLiteralParser.Fields
        do {
            fields = try parser.dictionary()
        } catch let error as UD2MError where ZeroTail.reaches(header.count, in: header) {
            throw error.hintingAtZeros()
        }
        guard let shape = fields.shape, let isFortran = fields.isFortran else {
            throw malformed("The header does not say descr, fortran_order and shape.", at: start)
        }
        guard shape.count <= limits.rank else {
            throw malformed("The array has \(shape.count) dimensions; \(limits.rank) are allowed.", at: start)
        }
        guard !fields.hasObjects else {
            var error = UD2MError(
                .npyObjects, "The array holds Python objects, that is a pickle.", at: .init(byteOffset: start),
                remedy: "Save it with a numeric dtype.")
            error.findings = try NPYObjects.findings(bytes, dataOffset: start + length, entry: entry, limits: limits)
            throw error
        }
        guard let descriptor = fields.descriptor else {
            throw UD2MError(
                .npyElementType, "The array is made of structures, which are no tensor elements.",
                at: .init(byteOffset: start))
        }
        guard let type = NumPyElementType(descriptor) else {
            let isText = ["U", "S", "a"].contains { descriptor.drop { "<>|=".contains($0) }.hasPrefix($0) }
            throw UD2MError(
                .npyElementType,
                isText
                    ? "The array holds texts ('\(descriptor)'), which are no tensor elements."
                    : "Elements of type '\(descriptor)' are unknown.",
                at: .init(byteOffset: start), remedy: "Save it with a numeric dtype.")
        }
        guard type.elementType.byteCount(shape: shape) != nil else {
            throw malformed("The array's size overflows.", at: start)
        }
        self.type = type
        self.shape = shape
        self.isFortran = isFortran
        self.dataOffset = start + length
    }

    /// Bytes of a header; real ones have a few hundred.
    private static let maximumHeaderBytes = 1 << 16

    /// The array as a tensor over a storage whose first byte is the first data byte.
    func source(name: String, storage: any TensorStorage) -> TensorSource {
        TensorSource(
            name: TensorName(name), path: name.isEmpty ? [] : [name], elementType: type.elementType, shape: shape,
            strides: isFortran
                ? TensorSource.denseStrides(shape.reversed()).reversed() : TensorSource.denseStrides(shape),
            elementOffset: 0, storage: storage)
    }
}

extension UD2MError.Code {
    /// The header of a NumPy array is malformed.
    public static let npyHeader = Self("npy-header", .badData)
    /// The elements of a NumPy array are Python objects.
    public static let npyObjects = Self("npy-objects", .badData)
    /// The elements of a NumPy array are structures, texts or of an unknown type.
    public static let npyElementType = Self("npy-dtype", .badData)
    /// A NumPy array has fewer or more bytes than its header says.
    public static let npySize = Self("npy-size", .badData)
}
