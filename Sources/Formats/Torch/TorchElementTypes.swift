/// The element type of a PyTorch storage or dtype (`formats.md` §5.2).
struct TorchElementType: Sendable, Hashable {
    /// PyTorch's name, such as `"HalfStorage"` or `"float8_e5m2"`.
    let name: String
    /// Bytes of one element as PyTorch counts them.
    let byteWidth: Int
    /// Our type, or an integer type of as many bits where we have none.
    let elementType: ElementType
    /// PyTorch's name of the dtype where `elementType` only counts its bits.
    let torchType: String?

    /// The type of a storage class such as `torch.FloatStorage`, or nil when it is unknown.
    static func ofStorage(_ global: PickleGlobal) -> TorchElementType? {
        guard storageModules.contains(global.module) else { return nil }
        return storages[global.name]
    }

    /// The type of a dtype such as `torch.uint16`, or nil when it is unknown.
    static func ofDtype(_ global: PickleGlobal) -> TorchElementType? {
        global.module == "torch" ? dtypes[global.name] : nil
    }

    /// The type of a dtype by its own name, where our types only count its bits: `"complex32"`, `"qint8"`; else nil.
    static func named(_ torchType: String) -> TorchElementType? {
        dtypes[torchType].flatMap { $0.torchType == torchType ? $0 : nil }
    }

    /// Whether a global looks like a storage class, known or not.
    static func isStorageClass(_ global: PickleGlobal) -> Bool {
        storageModules.contains(global.module) && global.name.hasSuffix("Storage")
    }

    private static let storageModules: Set<String> = ["torch", "torch.cuda", "torch.storage"]

    private static let storages = table([
        ("DoubleStorage", 8, .f64), ("FloatStorage", 4, .f32), ("HalfStorage", 2, .f16), ("BFloat16Storage", 2, .bf16),
        ("LongStorage", 8, .i64), ("IntStorage", 4, .i32), ("ShortStorage", 2, .i16), ("CharStorage", 1, .i8),
        ("ByteStorage", 1, .u8), ("BoolStorage", 1, .bool), ("ComplexFloatStorage", 8, .c64),
        ("ComplexDoubleStorage", 16, .c128), ("UntypedStorage", 1, .u8),
    ]).merging(
        table(
            [
                ("QInt8Storage", 1, .i8), ("QUInt8Storage", 1, .u8), ("QInt32Storage", 4, .i32),
                ("QUInt4x2Storage", 1, .u8), ("QUInt2x4Storage", 1, .u8),
            ], named: { $0.dropLast("Storage".count).lowercased() })
    ) { first, _ in first }

    private static let dtypes = table([
        ("float64", 8, .f64), ("double", 8, .f64), ("float32", 4, .f32), ("float", 4, .f32), ("float16", 2, .f16),
        ("half", 2, .f16), ("bfloat16", 2, .bf16), ("int64", 8, .i64), ("long", 8, .i64), ("int32", 4, .i32),
        ("int", 4, .i32), ("int16", 2, .i16), ("short", 2, .i16), ("int8", 1, .i8), ("uint8", 1, .u8),
        ("uint16", 2, .u16), ("uint32", 4, .u32), ("uint64", 8, .u64), ("bool", 1, .bool), ("complex64", 8, .c64),
        ("cfloat", 8, .c64), ("complex128", 16, .c128), ("cdouble", 16, .c128), ("float8_e4m3fn", 1, .f8e4m3),
        ("float8_e5m2", 1, .f8e5m2), ("float8_e4m3fnuz", 1, .f8e4m3fnuz), ("float8_e5m2fnuz", 1, .f8e5m2fnuz),
        ("float8_e8m0fnu", 1, .f8e8m0), ("float4_e2m1fn_x2", 1, .f4),
    ]).merging(
        table(
            [
                ("complex32", 4, .u32), ("chalf", 4, .u32), ("bcomplex32", 4, .u32), ("bits8", 1, .u8),
                ("bits16", 2, .u16), ("bits1x8", 1, .u8), ("bits2x4", 1, .u8), ("bits4x2", 1, .u8), ("qint8", 1, .i8),
                ("quint8", 1, .u8), ("qint32", 4, .i32), ("quint4x2", 1, .u8), ("quint2x4", 1, .u8),
            ], named: { $0 == "chalf" ? "complex32" : $0 })
    ) { first, _ in first }

    /// Rows of PyTorch's name, its bytes, and our type; `named` gives the dtype's name where our type lacks it.
    private static func table(
        _ rows: [(String, Int, ElementType)], named: ((String) -> String)? = nil
    ) -> [String: TorchElementType] {
        var table: [String: TorchElementType] = [:]
        for (name, byteWidth, elementType) in rows {
            table[name] = TorchElementType(
                name: name, byteWidth: byteWidth, elementType: elementType, torchType: named?(name))
        }
        return table
    }
}
