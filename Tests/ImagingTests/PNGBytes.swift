/// PNG files taken apart by hand, to damage them in ways their checksums do not catch.
enum PNGBytes {
    /// A chunk's name and where its data lies.
    struct Chunk {
        let name: String
        let data: Range<Int>
    }

    /// The chunks, as far as their lengths lead.
    static func chunks(_ bytes: [UInt8]) -> [Chunk] {
        var found: [Chunk] = []
        var position = 8
        while position + 12 <= bytes.count {
            let length = bytes[position..<(position + 4)].reduce(0) { $0 << 8 | Int($1) }
            guard position + 12 + length <= bytes.count else { break }
            let name = String(decoding: bytes[(position + 4)..<(position + 8)], as: UTF8.self)
            found.append(Chunk(name: name, data: (position + 8)..<(position + 8 + length)))
            position += 12 + length
        }
        return found
    }

    /// Writes the right checksum after every chunk.
    static func repairSums(_ bytes: inout [UInt8]) {
        for chunk in chunks(bytes) {
            let sum = crc32(bytes[(chunk.data.lowerBound - 4)..<chunk.data.upperBound])
            bytes.replaceSubrange(chunk.data.upperBound..<(chunk.data.upperBound + 4), with: big32(Int(sum)))
        }
    }

    /// Sets the length field of the chunk that starts at `position`.
    static func setLength(_ bytes: inout [UInt8], of position: Int, to length: Int) {
        bytes.replaceSubrange(position..<(position + 4), with: big32(length))
    }

    static func big32(_ value: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private static func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
    }
}
