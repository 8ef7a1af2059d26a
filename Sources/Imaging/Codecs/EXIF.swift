/// The one EXIF field that changes the picture.
enum EXIF {
    /// The orientation, 1–8, in the payload of a JPEG APP1 segment; nil when the segment holds none that makes sense.
    ///
    /// Damaged metadata never fails an image: the picture does not depend on it.
    static func orientation(in segment: ArraySlice<UInt8>) -> Int? {
        guard segment.starts(with: Array("Exif".utf8) + [0, 0]) else { return nil }
        let tiff = Array(segment.dropFirst(6))
        let isLittle: Bool
        switch tiff.prefix(4) {
        case [0x49, 0x49, 0x2A, 0x00]: isLittle = true
        case [0x4D, 0x4D, 0x00, 0x2A]: isLittle = false
        default: return nil
        }
        func number(at position: Int, bytes: Int) -> Int? {
            guard position >= 0, position <= tiff.count - bytes else { return nil }
            let digits = tiff[position..<(position + bytes)]
            return (isLittle ? Array(digits.reversed()) : Array(digits)).reduce(0) { $0 << 8 | Int($1) }
        }
        guard let directory = number(at: 4, bytes: 4), let count = number(at: directory, bytes: 2) else { return nil }
        for index in 0..<count {
            // An entry is a tag, a type, a count and a value; a short value sits in the first two bytes of its field.
            let entry = directory + 2 + index * 12
            guard let tag = number(at: entry, bytes: 2) else { return nil }
            guard tag == 0x0112 else { continue }
            guard number(at: entry + 2, bytes: 2) == 3, let value = number(at: entry + 8, bytes: 2) else { return nil }
            return (1...8).contains(value) ? value : nil
        }
        return nil
    }
}
