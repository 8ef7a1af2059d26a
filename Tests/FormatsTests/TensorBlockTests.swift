import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

@Suite("Tensors in blocks and as numbers")
struct TensorBlockTests {
    /// Bytes in memory as a storage.
    private final class Bytes: TensorStorage {
        let key = "memory"
        let isBigEndian = false
        let bytes: [UInt8]
        var byteCount: Int { bytes.count }
        init(_ bytes: [UInt8]) { self.bytes = bytes }
        func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
            try bytes.withUnsafeBytes(body)
        }
    }

    @Test(
        "the blocks of a strided tensor follow each other without a gap",
        arguments: [1, 2, 3, 7, 24, 100, 1 << 20])
    func blocks(_ maximum: Int) throws {
        let storage = Bytes((0..<2000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) })
        let cases: [(shape: [Int], strides: [Int], offset: Int)] = [
            ([4, 5, 6], [30, 6, 1], 0), ([6, 5, 4], [1, 6, 30], 3), ([7], [3], 1), ([3, 1, 9], [9, 50, 0], 2),
            ([], [], 5), ([0, 4], [4, 1], 0), ([1, 1], [9, 9], 7), ([2, 3, 2, 3], [1, 2, 100, 7], 11),
        ]
        for item in cases {
            let tensor = TensorSource(
                name: "t", path: ["t"], elementType: .u16, shape: item.shape, strides: item.strides,
                elementOffset: item.offset, storage: storage)
            var joined: [UInt8] = []
            try tensor.forEachBlock(maximumElements: maximum) { block in
                #expect(block.elementCount <= maximum)
                try block.withContiguousBytes { joined += Array($0) }
            }
            #expect(try tensor.withContiguousBytes { Array($0) } == joined, "\(item)")
        }
    }

    /// The largest, the smallest and a negative number of each format, from its definition.
    @Test(
        "8-bit floating-point numbers have their values",
        arguments: [
            (ElementType.f8e4m3, UInt8(0x7E), 448.0), (.f8e4m3, 0x01, 0x1p-9), (.f8e4m3, 0xC0, -2),
            (.f8e5m2, 0x7B, 57344), (.f8e5m2, 0x01, 0x1p-16), (.f8e5m2, 0xFC, -Double.infinity),
            (.f8e4m3fnuz, 0x7F, 240), (.f8e4m3fnuz, 0x01, 0x1p-10), (.f8e5m2fnuz, 0x7F, 57344),
            (.f8e5m2fnuz, 0x01, 0x1p-17), (.f8e8m0, 127, 1), (.f8e8m0, 0, 0x1p-127), (.f8e8m0, 254, 0x1p127),
        ])
    func eightBits(_ type: ElementType, _ bits: UInt8, _ value: Double) {
        #expect(numbers([bits], type) == [value])
    }

    @Test(
        "8-bit NaNs are NaN",
        arguments: [
            (ElementType.f8e4m3, UInt8(0x7F)), (.f8e4m3, 0xFF), (.f8e5m2, 0x7D), (.f8e4m3fnuz, 0x80),
            (.f8e5m2fnuz, 0x80), (.f8e8m0, 0xFF),
        ])
    func eightBitNaN(_ type: ElementType, _ bits: UInt8) throws {
        #expect(try #require(numbers([bits], type)?.first).isNaN)
    }

    @Test("integers, booleans, complex and packed numbers have their values")
    func otherTypes() {
        #expect(numbers([0xFF], .i8) == [-1])
        #expect(numbers([0xFE, 0xFF], .u16) == [65534])
        #expect(numbers([UInt8](repeating: 0xFF, count: 8), .i64) == [-1])
        #expect(numbers([0, 1, 7], .bool) == [0, 1, 1])
        #expect(numbers([0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0], .c64) == [1, -2])
        // The low half comes first.
        #expect(numbers([0x12], .f4) == [1, 0.5])
    }

    private func numbers(_ bytes: [UInt8], _ type: ElementType) -> [Double]? {
        var out = [Double](repeating: 0, count: 16)
        let count = bytes.withUnsafeBytes { source in
            out.withUnsafeMutableBufferPointer { type.doubles(source, into: $0) }
        }
        return count.map { Array(out[..<$0]) }
    }
}
