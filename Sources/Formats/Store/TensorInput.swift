/// A tensor to be written: what it will be called and hold, and where its bytes come from.
public struct TensorInput: Sendable {
    /// Gives the dense little-endian bytes in order, in pieces of any size, to `body`; called once for each writing.
    public typealias Bytes = @Sendable (_ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Void

    /// The name in the file.
    public var name: TensorName
    /// The type in the file.
    public var elementType: ElementType
    /// Sizes, outermost first.
    public var shape: [Int]
    /// What the elements stand for.
    public var interpretation: TensorInterpretation
    /// Where the bytes come from.
    public var bytes: Bytes
    /// The digests of exactly these bytes where a store has recorded them and compares its bytes with them while they are
    /// read, so that they need not be computed again; nil for bytes that are new.
    package var recordedDigests: TensorDigests?

    /// Creates a tensor from anything that can give its bytes.
    public init(
        name: TensorName, elementType: ElementType, shape: [Int], interpretation: TensorInterpretation = .plain,
        bytes: @escaping Bytes
    ) {
        self.name = name
        self.elementType = elementType
        self.shape = shape
        self.interpretation = interpretation
        self.bytes = bytes
    }

    /// Creates a tensor from one of a checkpoint, converted to `elementType` while it streams.
    public init(_ source: TensorSource, name: TensorName? = nil, elementType: ElementType? = nil) {
        let type = elementType ?? source.elementType
        self.init(
            name: name ?? source.name, elementType: type, shape: source.shape, interpretation: source.interpretation
        ) { body in
            try source.stream(as: type, body)
        }
    }

    /// Creates a tensor from numbers in memory.
    public init(name: TensorName, shape: [Int], floats: [Float]) {
        self.init(name: name, elementType: .f32, shape: shape) { body in
            // Every platform we build for is little-endian; safetensors is too.
            try floats.withUnsafeBytes(body)
        }
    }
}
