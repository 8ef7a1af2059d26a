/// A zip archive of stored records without checksums, for fuzzing what one record holds.
public enum ZipFrame {
    /// The archive of these records in this order.
    public static func archive(_ records: [(name: String, bytes: [UInt8])]) -> [UInt8] {
        var out: [UInt8] = []
        var directory: [UInt8] = []
        for (name, bytes) in records {
            let fields =
                u16(20) + u16(0) + u16(0) + u16(0) + u16(0x21) + u32(0) + u32(bytes.count) + u32(bytes.count)
                + u16(name.utf8.count) + u16(0)
            directory += u32(0x0201_4B50) + u16(20) + fields + u16(0) + u16(0) + u16(0) + u32(0) + u32(out.count)
            directory += Array(name.utf8)
            out += u32(0x0403_4B50) + fields + Array(name.utf8) + bytes
        }
        let start = out.count
        out += directory
        out += u32(0x0605_4B50) + u16(0) + u16(0) + u16(records.count) + u16(records.count)
        return out + u32(directory.count) + u32(start) + u16(0)
    }

    private static func u16(_ value: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
    }

    private static func u32(_ value: Int) -> [UInt8] { u16(value) + u16(value >> 16) }
}
