/// A run of bytes that one or more tensors read from: a storage of a PyTorch file, or the data of a safetensors entry.
///
/// Two tensors alias each other when they share a storage object.
public protocol TensorStorage: AnyObject, Sendable {
    /// The storage's key in its file, for messages and alias reports.
    var key: String { get }
    /// Bytes in the storage.
    var byteCount: Int { get }
    /// Whether multi-byte elements are stored big-endian.
    var isBigEndian: Bool { get }
    /// Gives the storage's bytes; a mapped storage gives the mapping itself, an inflated one inflates first.
    ///
    /// The pointer is valid during the call only, and may be unaligned.
    /// - Throws: ``UD2MError`` when the bytes cannot be read or fail their checksum.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result
    /// Gives the bytes of `range` as ``withBytes(_:)`` gives all; a storage may check the bytes of that range only.
    /// - Throws: ``UD2MError`` as ``withBytes(_:)``, or with code `tensor-outside-storage`; or what `body` throws.
    func withBytes<Result>(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result
    /// Gives the bytes of `range` in order, in pieces of at most `pieceBytes`; memory is bounded where it can be.
    ///
    /// A checksum over the whole storage may be compared only after the last piece.
    /// - Throws: ``UD2MError`` as ``withBytes(_:)``, or with code `tensor-outside-storage`; or what `body` throws.
    func stream(_ range: Range<Int>, pieceBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Void) throws
    /// Runs `body`, during which the bytes are not inflated more than once, however many parts of them are read.
    /// - Throws: ``UD2MError`` as ``withBytes(_:)``, or what `body` throws.
    func keepingBytes<Result>(_ body: () throws -> Result) throws -> Result
}

extension TensorStorage {
    /// Most storages have their bytes at hand.
    public func keepingBytes<Result>(_ body: () throws -> Result) throws -> Result { try body() }

    /// Cuts the range out of the storage's bytes.
    public func withBytes<Result>(
        in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        try withBytes { bytes in
            guard let part = bytes.slice(range) else { throw TensorSource.outsideStorage }
            return try body(part)
        }
    }

    /// Cuts pieces out of the storage's bytes.
    public func stream(
        _ range: Range<Int>, pieceBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        try streamPieces(of: range, pieceBytes: pieceBytes, body)
    }

    /// Streams what ``withBytes(in:_:)`` gives: for storages whose bytes are whole before the first piece.
    func streamPieces(
        of range: Range<Int>, pieceBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        try withBytes(in: range) { try $0.forEachPiece(of: pieceBytes, body) }
    }
}

/// How the integers of a quantised tensor stand for real numbers: `scale · (integer − zero point)`.
public struct TensorQuantisation: Sendable, Hashable {
    /// PyTorch's name of the scheme, such as `"per_channel_affine"`.
    public var scheme: String
    /// The one scale, or nil when every channel has its own; those are tensors of their own, named `scales`.
    public var scale: Double?
    /// The one zero point, or nil when every channel has its own; those are named `zero_points`.
    public var zeroPoint: Int?
    /// The dimension that counts channels.
    public var axis: Int?
    /// The sizes of a tensor whose integers share bytes, which is delivered as its bytes; nil for others.
    public var packedShape: [Int]?
    /// What follows the names of `scales` and `zero_points`: underscores where other tensors have those names.
    public var suffix = ""

    /// The names of the tensors that hold the scales and zero points of channels.
    static let channelParameters = ["scales", "zero_points"]

    /// Creates a description.
    public init(
        scheme: String, scale: Double? = nil, zeroPoint: Int? = nil, axis: Int? = nil, packedShape: [Int]? = nil
    ) {
        self.scheme = scheme
        self.scale = scale
        self.zeroPoint = zeroPoint
        self.axis = axis
        self.packedShape = packedShape
    }
}

/// A described tensor of a checkpoint: where its elements are, with nothing read yet.
///
/// Element (i₀, i₁, …) is at `elementOffset + Σ iₖ·strides[k]` elements from the start of `storage` (`formats.md` §5.3).
/// Whoever creates one has checked that every element lies inside the storage.
public struct TensorSource: Sendable {
    /// The name inside its state dict, such as `"out.2.weight"`.
    public var name: TensorName
    /// The way from the root object to this tensor, one component a level (`formats.md` §4).
    public var path: [String]
    /// The type of its elements.
    public var elementType: ElementType
    /// Sizes, outermost first; empty for a scalar.
    public var shape: [Int]
    /// Steps in elements between neighbours of each dimension; all zero or positive.
    public var strides: [Int]
    /// The first element's index in the storage.
    public var elementOffset: Int
    /// Where the bytes are.
    public var storage: any TensorStorage
    /// Whether reading must negate the imaginary part (`conj`) or the value (`neg`).
    public var isConjugated: Bool
    /// Whether reading must negate every element.
    public var isNegated: Bool
    /// PyTorch's name of the element type where ``elementType`` only counts its bits, such as `"qint8"` or
    /// `"complex32"`; nil where `elementType` says it all.
    public var torchType: String?
    /// How the integers of a quantised tensor stand for real numbers; nil for any other tensor.
    public var quantisation: TensorQuantisation?
    /// How the tensor is a part of a sparse one; nil for any other tensor.
    public var sparsity: TensorSparsity?
    /// Bytes that the dense tensor may take although its storage holds fewer, where whoever opened the file said so; nil
    /// for the standard limits.
    public var expandedBytesAllowed: Int?

    /// Creates a description; the caller has checked the bounds.
    public init(
        name: TensorName, path: [String], elementType: ElementType, shape: [Int], strides: [Int],
        elementOffset: Int, storage: any TensorStorage, isConjugated: Bool = false, isNegated: Bool = false,
        torchType: String? = nil, quantisation: TensorQuantisation? = nil, sparsity: TensorSparsity? = nil
    ) {
        self.name = name
        self.path = path
        self.elementType = elementType
        self.shape = shape
        self.strides = strides
        self.elementOffset = elementOffset
        self.storage = storage
        self.isConjugated = isConjugated
        self.isNegated = isNegated
        self.torchType = torchType
        self.quantisation = quantisation
        self.sparsity = sparsity
    }

    /// The element type as reports spell it: as safetensors does where it can, else as PyTorch does.
    public var elementTypeName: String {
        torchType ?? (elementType == .c128 ? "complex128" : elementType.rawValue)
    }

    /// Bytes of the parts that have an order of their own: an element, or either half of a complex one.
    var partWidth: Int? {
        guard let width = elementType.byteWidth else { return nil }
        return isComplex ? width / 2 : width
    }

    /// Whether elements are pairs of a real and an imaginary part.
    var isComplex: Bool {
        elementType == .c64 || elementType == .c128 || torchType == "complex32" || torchType == "bcomplex32"
    }

    /// The number of elements.
    public var elementCount: Int { shape.contains(0) ? 0 : shape.reduce(1, *) }

    /// Bytes of the dense little-endian tensor.
    public var byteCount: Int { elementType.byteCount(shape: shape) ?? 0 }

    /// Row-major strides of a dense tensor of `shape`, in elements; never negative.
    public static func denseStrides(_ shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        var step = 1
        for axis in shape.indices.reversed() {
            strides[axis] = step
            // The strides of an empty tensor mean nothing, and its other sizes may be beyond any product.
            step = step.multipliedOrMaximum(max(shape[axis], 1))
        }
        return strides
    }

    /// Whether the elements lie densely in row-major order; strides of size-1 dimensions do not matter.
    public var isContiguous: Bool {
        if shape.contains(0) { return true }
        let dense = Self.denseStrides(shape)
        return shape.indices.allSatisfy { shape[$0] == 1 || strides[$0] == dense[$0] }
    }
}
