import Testing
import UD2MFormats

/// A storage in memory.
private final class MemoryStorage: TensorStorage {
    let key = "memory"
    let bytes: [UInt8]
    let isBigEndian: Bool
    var byteCount: Int { bytes.count }

    init(_ bytes: [UInt8], isBigEndian: Bool = false) {
        self.bytes = bytes
        self.isBigEndian = isBigEndian
    }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try bytes.withUnsafeBytes(body)
    }
}

@Suite struct TensorStreamTests {
    private static func source(
        _ storage: MemoryStorage, _ type: ElementType, _ shape: [Int], strides: [Int]? = nil, offset: Int = 0,
        isConjugated: Bool = false, isNegated: Bool = false
    ) -> TensorSource {
        TensorSource(
            name: "t", path: ["t"], elementType: type, shape: shape,
            strides: strides ?? TensorSource.denseStrides(shape), elementOffset: offset, storage: storage,
            isConjugated: isConjugated, isNegated: isNegated)
    }

    private static func bytes<Element>(_ values: [Element]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

    /// All elements, and the sizes of the pieces they came in.
    private static func read<Element: BitwiseCopyable>(
        _ source: TensorSource, as type: ElementType, _: Element.Type, pieceBytes: Int = 8 << 20
    ) throws -> (values: [Element], pieces: [Int]) {
        var values: [Element] = []
        var pieces: [Int] = []
        try source.stream(as: type, pieceBytes: pieceBytes) { bytes in
            pieces.append(bytes.count)
            for start in stride(from: 0, to: bytes.count, by: MemoryLayout<Element>.size) {
                values.append(bytes.loadUnaligned(fromByteOffset: start, as: Element.self))
            }
        }
        return (values, pieces)
    }

    @Test func densePiecesComeOutOfTheStorage() throws {
        let storage = MemoryStorage(Self.bytes((0..<100).map { Float($0) }))
        let result = try Self.read(
            Self.source(storage, .f32, [10, 9], offset: 5), as: .f32, Float.self, pieceBytes: 64)
        #expect(result.values == (5..<95).map { Float($0) })
        #expect(result.pieces == [64, 64, 64, 64, 64, 40])
    }

    @Test(arguments: [16, 20, 64, 1 << 20]) func stridesAreFollowed(pieceBytes: Int) throws {
        let storage = MemoryStorage(Self.bytes((0..<60).map { Int16($0) }))
        // A transposed [3, 4, 5] view of which the last axis is taken every other time.
        let source = Self.source(storage, .i16, [4, 3, 2], strides: [5, 20, 2], offset: 1)
        var expected: [Int16] = []
        for a in 0..<4 { for b in 0..<3 { for c in 0..<2 { expected.append(Int16(1 + 5 * a + 20 * b + 2 * c)) } } }
        #expect(try Self.read(source, as: .i16, Int16.self, pieceBytes: pieceBytes).values == expected)
        #expect(
            try Self.read(source, as: .f32, Float.self, pieceBytes: pieceBytes).values == expected.map { Float($0) })
    }

    @Test func repeatedAndEmptyAndScalar() throws {
        let storage = MemoryStorage(Self.bytes([1, 2, 3] as [Float]))
        #expect(
            try Self.read(Self.source(storage, .f32, [2, 2], strides: [0, 1], offset: 1), as: .f32, Float.self).values
                == [2, 3, 2, 3])
        #expect(try Self.read(Self.source(storage, .f32, [0, 5], offset: 99), as: .f16, UInt16.self).values == [])
        #expect(try Self.read(Self.source(storage, .f32, [], offset: 2), as: .f32, Float.self).values == [3])
        #expect(
            try Self.read(Self.source(storage, .f32, [], offset: 2, isNegated: true), as: .f32, Float.self).values == [
                -3
            ])
    }

    @Test func bigEndianIsSwapped() throws {
        let storage = MemoryStorage([0x3F, 0x80, 0, 0, 0xC0, 0, 0, 0], isBigEndian: true)
        #expect(try Self.read(Self.source(storage, .f32, [2]), as: .f32, Float.self).values == [1, -2])
        let complex = Self.source(storage, .c64, [1])
        #expect(try Self.read(complex, as: .c64, Float.self).values == [1, -2])
        let bytes = MemoryStorage([1, 2], isBigEndian: true)
        #expect(try Self.read(Self.source(bytes, .u8, [2]), as: .u8, UInt8.self).values == [1, 2])
    }

    @Test(arguments: [
        (false, false, [1, 2] as [Float]), (true, false, [1, -2]), (false, true, [-1, -2]), (true, true, [-1, 2]),
    ])
    func conjugationAndNegation(isConjugated: Bool, isNegated: Bool, expected: [Float]) throws {
        let storage = MemoryStorage(Self.bytes([1, 2] as [Float]))
        let source = Self.source(storage, .c64, [1], isConjugated: isConjugated, isNegated: isNegated)
        #expect(try Self.read(source, as: .c64, Float.self).values == expected)
    }

    @Test func negatedIntegers() throws {
        let storage = MemoryStorage(Self.bytes([1, -300, 0, .min] as [Int16]))
        #expect(
            try Self.read(Self.source(storage, .i16, [4], isNegated: true), as: .i16, Int16.self).values == [
                -1, 300, 0, .min,
            ])
    }

    @Test func packedElementsPassThrough() throws {
        let storage = MemoryStorage([0x12, 0x34])
        #expect(try Self.read(Self.source(storage, .f4, [4]), as: .f4, UInt8.self).values == [0x12, 0x34])
        expectError(.tensorOutsideStorage) { _ = try Self.read(Self.source(storage, .f4, [6]), as: .f4, UInt8.self) }
    }

    @Test(
        arguments: [
            ([4], [1], 0), ([3], [1], 1), ([2], [3], 0), ([2, 2], [.max, .max], 0), ([1], [1], -1), ([1], [1], .max),
            ([2], [-1], 1), ([2], [1, 1], 0),
        ] as [([Int], [Int], Int)])
    func refusesElementsOutsideTheStorage(shape: [Int], strides: [Int], offset: Int) throws {
        let storage = MemoryStorage([UInt8](repeating: 0, count: 15))
        let error = expectError(.tensorOutsideStorage) {
            _ = try Self.read(Self.source(storage, .f32, shape, strides: strides, offset: offset), as: .f32, Float.self)
        }
        #expect(error?.location.tensor == "t")
    }

    @Test func lossIsCountedOverPieces() throws {
        let storage = MemoryStorage(Self.bytes([1e6, 1, -1e6, .infinity] as [Float]))
        let loss = try Self.source(storage, .f32, [4]).stream(as: .f16, pieceBytes: 8) { _ in }
        #expect(loss.overflows == 2)
    }
}
