/// How PyTorch stores elements of one of our types (`formats.md` §5.2).
struct TorchWriterType {
    /// The storage class.
    let storage: String
    /// The dtype, for types that have no storage class of their own.
    let dtype: String?
    /// Bytes of one element as PyTorch counts them.
    let byteWidth: Int
    /// Whether the elements are integers that stand for real numbers.
    let isQuantised: Bool
    /// Of our elements in one of PyTorch's.
    let packing: Int

    /// The function that rebuilds a tensor of this type.
    var builder: String {
        isQuantised ? "_rebuild_qtensor" : dtype == nil ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3"
    }

    /// The type of elements that stand for what `torchType` says, or nil when a file cannot hold it.
    init?(_ type: ElementType, torchType: String?) {
        switch torchType {
        case nil: self.init(type)
        case "qint8": self.init("QInt8Storage", 1, isQuantised: true)
        case "quint8": self.init("QUInt8Storage", 1, isQuantised: true)
        case "qint32": self.init("QInt32Storage", 4, isQuantised: true)
        case "quint4x2": self.init("QUInt4x2Storage", 1, isQuantised: true)
        case "quint2x4": self.init("QUInt2x4Storage", 1, isQuantised: true)
        case .some(let dtype): self.init("UntypedStorage", type.bitWidth / 8, dtype: dtype)
        }
    }

    /// The type, or nil when PyTorch has none.
    init?(_ type: ElementType) {
        switch type {
        case .f64: self.init("DoubleStorage", 8)
        case .f32: self.init("FloatStorage", 4)
        case .f16: self.init("HalfStorage", 2)
        case .bf16: self.init("BFloat16Storage", 2)
        case .i64: self.init("LongStorage", 8)
        case .i32: self.init("IntStorage", 4)
        case .i16: self.init("ShortStorage", 2)
        case .i8: self.init("CharStorage", 1)
        case .u8: self.init("ByteStorage", 1)
        case .bool: self.init("BoolStorage", 1)
        case .c64: self.init("ComplexFloatStorage", 8)
        case .c128: self.init("ComplexDoubleStorage", 16)
        case .u64: self.init("UntypedStorage", 8, dtype: "uint64")
        case .u32: self.init("UntypedStorage", 4, dtype: "uint32")
        case .u16: self.init("UntypedStorage", 2, dtype: "uint16")
        case .f8e5m2: self.init("UntypedStorage", 1, dtype: "float8_e5m2")
        case .f8e4m3: self.init("UntypedStorage", 1, dtype: "float8_e4m3fn")
        case .f8e8m0: self.init("UntypedStorage", 1, dtype: "float8_e8m0fnu")
        case .f8e4m3fnuz: self.init("UntypedStorage", 1, dtype: "float8_e4m3fnuz")
        case .f8e5m2fnuz: self.init("UntypedStorage", 1, dtype: "float8_e5m2fnuz")
        case .f4: self.init("UntypedStorage", 1, dtype: "float4_e2m1fn_x2", packing: 2)
        case .f6e2m3, .f6e3m2: return nil
        }
    }

    private init(
        _ storage: String, _ byteWidth: Int, dtype: String? = nil, isQuantised: Bool = false, packing: Int = 1
    ) {
        self.storage = storage
        self.dtype = dtype
        self.byteWidth = byteWidth
        self.isQuantised = isQuantised
        self.packing = packing
    }

    /// The shape as PyTorch counts it, or nil when packed elements do not fill whole bytes in the last dimension.
    func torchShape(_ shape: [Int]) -> [Int]? {
        guard packing > 1 else { return shape }
        guard let last = shape.last, last % packing == 0 else { return nil }
        return shape.dropLast() + [last / packing]
    }
}
