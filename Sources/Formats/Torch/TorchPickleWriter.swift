/// Writes the pickle of a state dict as `torch.save` does: protocol 2, an `OrderedDict` of `_rebuild_tensor_v2` calls, so
/// that `torch.load(weights_only=True)` reads it (`formats.md` §5.1, §5.3).
struct TorchPickleWriter {
    /// A tensor that owns or shares a storage record.
    struct Tensor {
        let name: TensorName
        let elementType: ElementType
        let shape: [Int]
        /// The record under `data/`.
        let storage: Int
    }

    private(set) var bytes: [UInt8] = []
    /// What was pickled before and can be fetched again.
    private var memo: [String: Int] = [:]

    /// The pickle of a state dict.
    /// - Throws: ``UD2MError`` with code `export-dtype` for a type that PyTorch does not have.
    static func pickle(_ tensors: [Tensor]) throws -> [UInt8] {
        var writer = TorchPickleWriter()
        writer.bytes = [0x80, 0x02]
        writer.emptyOrderedDict()
        writer.op("(")
        for tensor in tensors {
            writer.text(tensor.name.text)
            try writer.tensor(tensor)
        }
        writer.op("u")
        writer.op(".")
        return writer.bytes
    }

    private mutating func tensor(_ tensor: Tensor) throws {
        guard let type = TorchWriterType(tensor.elementType), let shape = type.torchShape(tensor.shape) else {
            throw UD2MError(
                .exportType,
                "PyTorch has no tensors of \(tensor.elementType.rawValue) elements of shape \(tensor.shape).",
                at: .init(tensor: tensor.name.text), remedy: "Export as safetensors instead.")
        }
        let count = shape.contains(0) ? 0 : shape.reduce(1, *)
        global("torch._utils", type.dtype == nil ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3")
        op("(")
        // The storage: a persistent id, whose size counts elements of the storage's own type.
        op("(")
        sharedText("storage")
        global(type.dtype == nil ? "torch" : "torch.storage", type.storage)
        text(String(tensor.storage))
        sharedText("cpu")
        integer(type.dtype == nil ? count : count * type.byteWidth)
        op("t")
        op("Q")
        integer(0)
        tuple(shape)
        tuple(TensorSource.denseStrides(shape))
        op("\u{89}")
        emptyOrderedDict()
        if let dtype = type.dtype { global("torch", dtype) }
        op("t")
        op("R")
    }

    private mutating func op(_ code: Unicode.Scalar) { bytes.append(UInt8(truncatingIfNeeded: code.value)) }

    private mutating func emptyOrderedDict() {
        global("collections", "OrderedDict")
        op(")")
        op("R")
    }

    /// A global, named the first time and fetched afterwards.
    private mutating func global(_ module: String, _ name: String) {
        shared("c\(module)\n\(name)\n") { $0.bytes += Array("c\(module)\n\(name)\n".utf8) }
    }

    private mutating func sharedText(_ value: String) {
        shared("X\(value)") { $0.text(value) }
    }

    private mutating func shared(_ key: String, _ write: (inout TorchPickleWriter) -> Void) {
        if let index = memo[key] {
            // BINGET; a state dict of ours shares far fewer than 256 values.
            bytes += [UInt8(ascii: "h"), UInt8(truncatingIfNeeded: index)]
        } else {
            write(&self)
            bytes += [UInt8(ascii: "q"), UInt8(truncatingIfNeeded: memo.count)]
            memo[key] = memo.count
        }
    }

    private mutating func text(_ value: String) {
        op("X")
        bytes.appendLittleEndian(UInt32(truncatingIfNeeded: value.utf8.count))
        bytes += Array(value.utf8)
    }

    private mutating func integer(_ value: Int) {
        if let small = UInt8(exactly: value) {
            bytes += [UInt8(ascii: "K"), small]
        } else if let medium = Int32(exactly: value) {
            op("J")
            bytes.appendLittleEndian(medium)
        } else {
            bytes += [0x8A, 8]
            bytes.appendLittleEndian(Int64(value))
        }
    }

    private mutating func tuple(_ values: [Int]) {
        op("(")
        for value in values { integer(value) }
        op("t")
    }
}

/// How PyTorch stores elements of one of our types (`formats.md` §5.2).
struct TorchWriterType {
    /// The storage class.
    let storage: String
    /// The dtype, for types that have no storage class of their own.
    let dtype: String?
    /// Bytes of one element as PyTorch counts them.
    let byteWidth: Int
    /// Of our elements in one of PyTorch's.
    private let packing: Int

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

    private init(_ storage: String, _ byteWidth: Int, dtype: String? = nil, packing: Int = 1) {
        self.storage = storage
        self.dtype = dtype
        self.byteWidth = byteWidth
        self.packing = packing
    }

    /// The shape as PyTorch counts it, or nil when packed elements do not fill whole bytes in the last dimension.
    func torchShape(_ shape: [Int]) -> [Int]? {
        guard packing > 1 else { return shape }
        guard let last = shape.last, last % packing == 0 else { return nil }
        return shape.dropLast() + [last / packing]
    }
}

extension UD2MError.Code {
    /// The format to be written has no such element type.
    public static let exportType = Self("export-dtype", .usage)
}
