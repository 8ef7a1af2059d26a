import Testing
import UD2MImaging

/// Compressed text is a bomb in waiting: it is kept while small, dropped with a warning when it is not.
@Suite struct HostileTextTests {
    @Test(arguments: [(1, true), (1_000, true), (100_000, false)])
    func compressedText(_ matches: Int, _ isKept: Bool) throws {
        // A match gives 258 characters, so the last case inflates to 25.8 MB from 163 kB.
        let decoded = try PNGCodec.decode(try Self.withText(Self.zlib(matches: matches)))
        #expect(decoded.image.levels8.count == 12)
        let text = decoded.text.first { $0.keyword == "parameters" }
        #expect(text?.text.utf8.count == (isKept ? 1 + 258 * matches : nil))
        #expect(decoded.warnings.isEmpty == isKept)
    }

    @Test func damagedTextIsDropped() throws {
        var stream = Self.zlib(matches: 5)
        stream[stream.count - 1] ^= 1
        let decoded = try PNGCodec.decode(try Self.withText(stream))
        #expect(decoded.text.map(\.keyword) == ["Software", "Author", "Title"])
        #expect(!decoded.warnings.isEmpty)
    }

    /// `text.png` with the compressed text replaced.
    private static func withText(_ stream: [UInt8]) throws -> [UInt8] {
        var bytes = try ImageFixture.bytes("text.png")
        let chunk = try #require(PNGBytes.chunks(bytes).first { $0.name == "zTXt" })
        // The keyword, its zero and the compression method stay.
        let start = chunk.data.lowerBound + 12
        bytes.replaceSubrange(start..<chunk.data.upperBound, with: stream)
        PNGBytes.setLength(&bytes, of: chunk.data.lowerBound - 8, to: 12 + stream.count)
        PNGBytes.repairSums(&bytes)
        return bytes
    }

    /// A zlib stream, made by hand, of one `a` and `matches` repetitions of it 258 times (RFC 1950, RFC 1951 §3.2.6).
    private static func zlib(matches: Int) -> [UInt8] {
        var bits = BitWriter()
        bits.write(0b1, count: 1)  // the last block,
        bits.write(0b10, count: 2)  // with fixed codes (01, low bit first)
        bits.write(0x30 + 0x61, count: 8)  // the literal a
        for _ in 0..<matches {
            bits.write(0xC5, count: 8)  // length 258,
            bits.write(0, count: 5)  // one back
        }
        bits.write(0, count: 7)  // the end
        let count = 1 + 258 * matches
        let low = (1 + 97 * count) % 65_521
        let high = (count + 97 * (count * (count + 1) / 2)) % 65_521
        return [0x78, 0x01] + bits.bytes + PNGBytes.big32(high << 16 | low)
    }

    /// Bits packed from the low end of each byte; numbers are written high bit first, as Huffman codes are.
    private struct BitWriter {
        private(set) var bytes: [UInt8] = []
        private var used = 8

        mutating func write(_ value: Int, count: Int) {
            for shift in (0..<count).reversed() {
                if used == 8 {
                    bytes.append(0)
                    used = 0
                }
                bytes[bytes.count - 1] |= UInt8(value >> shift & 1) << UInt8(used)
                used += 1
            }
        }
    }
}
