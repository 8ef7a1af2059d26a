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

    /// Creates a description; the caller has checked the bounds.
    public init(
        name: TensorName, path: [String], elementType: ElementType, shape: [Int], strides: [Int],
        elementOffset: Int, storage: any TensorStorage, isConjugated: Bool = false, isNegated: Bool = false
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
    }

    /// The number of elements.
    public var elementCount: Int { shape.contains(0) ? 0 : shape.reduce(1, *) }

    /// Bytes of the dense little-endian tensor.
    public var byteCount: Int { elementType.byteCount(shape: shape) ?? 0 }

    /// Row-major strides of a dense tensor of `shape`, in elements.
    public static func denseStrides(_ shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        var step = 1
        for axis in shape.indices.reversed() {
            strides[axis] = step
            // The strides of an empty tensor mean nothing, and its other sizes may be beyond any product.
            step &*= max(shape[axis], 1)
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
