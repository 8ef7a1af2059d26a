/// A tensor of an open weight store: a view of the mapping, unless it was computed into memory of its own.
public struct StoredTensor: Sendable {
    /// The name it was asked for by, which may be an alias.
    public let name: TensorName
    /// The type of its elements.
    public let elementType: ElementType
    /// Sizes, outermost first; empty for a scalar.
    public let shape: [Int]
    /// Keeps the mapping alive as long as the view; nil for a tensor of no file.
    private let file: MappedFile?
    private let range: Range<Int>
    /// The elements when they are not those of the file.
    private let computed: ComputedElements?

    init(name: TensorName, entry: SafetensorsFile.Entry, file: MappedFile) {
        self.name = name
        self.elementType = entry.elementType
        self.shape = entry.shape
        self.file = file
        self.range = entry.range
        self.computed = nil
    }

    /// Creates a tensor of no file, in single precision; `fill` writes every element.
    package init(
        name: TensorName, shape: [Int], fill: (UnsafeMutableBufferPointer<Float>) throws -> Void
    ) rethrows {
        let elements = ComputedElements(count: shape.contains(0) ? 0 : shape.reduce(1, *))
        try fill(elements.buffer)
        self.name = name
        self.elementType = .f32
        self.shape = shape
        self.file = nil
        self.range = 0..<0
        self.computed = elements
    }

    private init(_ stored: StoredTensor, as elementType: ElementType, _ computed: ComputedElements) {
        self.name = stored.name
        self.elementType = elementType
        self.shape = stored.shape
        self.file = stored.file
        self.range = stored.range
        self.computed = computed
    }

    /// The elements in single precision, in memory of their own.
    /// - Throws: as ``copyFloats(to:)``, or `conversion-overflow` when numbers are too large for single precision.
    package func singlePrecision() throws -> StoredTensor {
        let floats = ComputedElements(count: elementCount)
        let loss = try copyFloats(to: floats.buffer)
        guard loss.overflows == 0 else {
            throw UD2MError(
                .conversionOverflow, "\(loss.overflows) numbers are too large for single precision.",
                at: .init(tensor: name.text))
        }
        return StoredTensor(self, as: .f32, floats)
    }

    /// The dense little-endian elements, row-major; valid while this value or its store lives.
    ///
    /// Keep either in a variable while using the pointer: a temporary may be released as soon as it has given it. Or use
    /// ``withBytes(_:)``.
    /// Check the alignment before loading elements directly: only stores, not any safetensors file, promise one.
    public var bytes: UnsafeRawBufferPointer {
        if let computed { return UnsafeRawBufferPointer(computed.buffer) }
        guard let file else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: file.bytes[range])
    }

    /// Whether the elements lie in memory of their own.
    package var isInMemory: Bool { computed != nil }

    /// Gives the dense little-endian elements to `body`, and keeps the mapping alive meanwhile.
    public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(bytes)
    }

    /// Tells the kernel that the elements will not be read again soon, so that the memory they take counts no more; only
    /// ever a hint.
    public func adviseUnused() { file?.advise(.unused, range: range) }

    /// The number of elements.
    public var elementCount: Int { shape.contains(0) ? 0 : shape.reduce(1, *) }

    /// Bytes.
    public var byteCount: Int { bytes.count }

    /// The offset of the first byte in the file; 0 for a tensor of no file.
    public var fileOffset: Int { range.lowerBound }

    /// Whether the elements start at a multiple of `alignment` bytes in memory.
    public func isAligned(to alignment: Int) -> Bool {
        guard let base = bytes.baseAddress, alignment > 0 else { return true }
        return Int(bitPattern: base) % alignment == 0
    }
}

/// Numbers in memory, written once before anyone else sees them.
private final class ComputedElements: @unchecked Sendable {
    let buffer: UnsafeMutableBufferPointer<Float>

    init(count: Int) { buffer = .allocate(capacity: count) }

    deinit { buffer.deallocate() }
}

extension UD2MError.Code {
    /// Numbers of a tensor are too large for the type that they are needed in.
    public static let conversionOverflow = Self("conversion-overflow", .badData)
}
