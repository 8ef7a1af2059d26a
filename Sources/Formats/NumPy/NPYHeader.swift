/// The header of one array in NumPy's format.
enum NPYHeader {
    /// NumPy's spelling of a type, such as `"<f4"`, or nil when it has none.
    static func descriptor(_ type: ElementType) -> String? {
        switch type {
        case .f64: "<f8"
        case .f32: "<f4"
        case .f16: "<f2"
        case .i64: "<i8"
        case .i32: "<i4"
        case .i16: "<i2"
        case .i8: "|i1"
        case .u64: "<u8"
        case .u32: "<u4"
        case .u16: "<u2"
        case .u8: "|u1"
        case .bool: "|b1"
        case .c64: "<c8"
        case .c128: "<c16"
        case .bf16, .f8e5m2, .f8e4m3, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz, .f6e2m3, .f6e3m2, .f4: nil
        }
    }

    /// The header of a row-major array, padded to a multiple of 64 bytes.
    static func bytes(descriptor: String, shape: [Int]) -> [UInt8] {
        let sizes = shape.map(String.init).joined(separator: ", ")
        let tuple = shape.count == 1 ? "(\(sizes),)" : "(\(sizes))"
        let text = Array("{'descr': '\(descriptor)', 'fortran_order': False, 'shape': \(tuple), }".utf8)
        // Version 1.0 counts the text in 16 bits: far more than a type and 64 sizes take.
        let padded = (10 + text.count + 1 + 63) / 64 * 64
        var header: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
        header.appendLittleEndian(UInt16(truncatingIfNeeded: padded - 10))
        header += text
        header += repeatElement(UInt8(ascii: " "), count: padded - header.count - 1)
        header.append(0x0A)
        return header
    }
}
