/// A tensor of an open weight store; a view of the mapping, nothing is copied.
public struct StoredTensor: Sendable {
    /// The name it was asked for by, which may be an alias.
    public let name: TensorName
    /// The type of its elements.
    public let elementType: ElementType
    /// Sizes, outermost first; empty for a scalar.
    public let shape: [Int]
    /// Keeps the mapping alive as long as the view.
    private let file: MappedFile
    private let range: Range<Int>

    init(name: TensorName, entry: SafetensorsFile.Entry, file: MappedFile) {
        self.name = name
        self.elementType = entry.elementType
        self.shape = entry.shape
        self.file = file
        self.range = entry.range
    }

    /// The dense little-endian elements, row-major; valid while this value or its store lives.
    ///
    /// Keep either in a variable while using the pointer: a temporary may be released as soon as it has given it. Or use
    /// ``withBytes(_:)``.
    /// Check the alignment before loading elements directly: only stores, not any safetensors file, promise one.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: file.bytes[range]) }

    /// Gives the dense little-endian elements to `body`, and keeps the mapping alive meanwhile.
    public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(file) {} }
        return try body(bytes)
    }

    /// Tells the kernel that the elements will not be read again soon, so that the memory they take counts no more; only
    /// ever a hint.
    public func adviseUnused() { file.advise(.unused, range: range) }

    /// The number of elements.
    public var elementCount: Int { shape.contains(0) ? 0 : shape.reduce(1, *) }

    /// Bytes.
    public var byteCount: Int { range.count }

    /// The offset of the first byte in the file.
    public var fileOffset: Int { range.lowerBound }

    /// Whether the elements start at a multiple of `alignment` bytes in memory.
    public func isAligned(to alignment: Int) -> Bool {
        guard let base = bytes.baseAddress, alignment > 0 else { return true }
        return Int(bitPattern: base) % alignment == 0
    }
}
