/// The element type and byte order of a NumPy array, from the spelling of its header: `"<f4"`, `"|b1"`
/// (`formats.md` §7).
struct NumPyElementType: Hashable {
    let elementType: ElementType
    let isBigEndian: Bool

    /// Parses a type string; nil when it has no counterpart here.
    init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8.prefix(8))
        guard let order = bytes.first else { return nil }
        let hasOrder = "<>|=".utf8.contains(order)
        let code = String(decoding: hasOrder ? bytes[1...] : bytes[...], as: UTF8.self)
        guard text.utf8.count <= 8, let type = Self.types[code] else { return nil }
        // A dtype of a pickle may leave the order out of its name and state it apart.
        self.init(type, order: hasOrder ? order : UInt8(ascii: "="))
    }

    /// A type with the byte order written as `<`, `>`, `|` or `=`, the last being the little-endian machine's own.
    init(_ elementType: ElementType, order: UInt8) {
        self.elementType = elementType
        self.isBigEndian = order == UInt8(ascii: ">")
    }

    private static let types: [String: ElementType] = [
        "f8": .f64, "f4": .f32, "f2": .f16, "i8": .i64, "i4": .i32, "i2": .i16, "i1": .i8, "u8": .u64, "u4": .u32,
        "u2": .u16, "u1": .u8, "b1": .bool, "c8": .c64, "c16": .c128,
        // NumPy has no bfloat16: libraries that do write it as two bytes of no meaning.
        "V2": .bf16,
    ]
}
