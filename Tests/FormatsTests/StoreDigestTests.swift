import Foundation
import Testing
import UD2MFormats
import UD2MTestSupport

@Suite("Stores are compared with their digests as they are read")
struct StoreDigestTests {
    /// 12 MiB in three chunks, and a small tensor with an alias.
    private static let large = 12 << 20

    /// Writes a store, with one bit of a tensor flipped if asked for, and opens it as a checkpoint.
    private func open(flipping tensor: TensorName? = nil, at offset: Int = 0) throws -> [TensorName: TensorSource] {
        let folder = try TemporaryDirectory()
        let path = folder.path("a.ud2w")
        let bytes = (0..<Self.large).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        _ = try WeightStoreWriter(
            tensors: [
                TensorInput("large", .u8, [Self.large], bytes: bytes),
                TensorInput("small", .f32, [3], bytes: [UInt8](0..<12)),
            ], aliases: ["tied": "small"]
        ).write(to: path)
        if let tensor {
            var data = try Data(contentsOf: URL(filePath: path))
            data[try #require(try WeightStore(path: path)[tensor]).fileOffset + offset] ^= 1
            try data.write(to: URL(filePath: path))
        }
        let sources = try #require(try Checkpoint.open(path: path).stateDicts.first).tensors
        return Dictionary(sources.map { ($0.name, $0) }) { first, _ in first }
    }

    private func part(_ source: TensorSource, _ range: Range<Int>) -> TensorSource {
        var part = source
        part.elementOffset = range.lowerBound
        part.shape = [range.count]
        return part
    }

    @Test("sound stores read whole, in parts, converted and through an alias")
    func sound() throws {
        let tensors = try open()
        for source in tensors.values {
            var count = 0
            try source.stream(as: source.elementType) { count += $0.count }
            #expect(count == source.byteCount)
            try source.withContiguousBytes { #expect($0.count == source.byteCount) }
        }
        let large = try #require(tensors["large"])
        try part(large, 5 << 20..<6 << 20).withContiguousBytes { #expect($0.count == 1 << 20) }
    }

    @Test("one flipped bit fails every way of reading the tensor, and no other tensor", arguments: ["small", "tied"])
    func small(_ name: TensorName) throws {
        let tensors = try open(flipping: "small", at: 11)
        let source = try #require(tensors[name])
        for type in [ElementType.f32, .f16] {
            let error = expectError(.storeDigest) { try source.stream(as: type) { _ in } }
            #expect(error?.location.tensor == "small" && error?.location.file != nil)
        }
        expectError(.storeDigest) { try source.withContiguousBytes { _ in } }
        try #require(tensors["large"]).stream(as: .u8) { _ in }
    }

    @Test("of a large tensor only the parts whose chunks are damaged fail")
    func parts() throws {
        let chunk = TensorDigests.chunkBytes
        let source = try #require(try open(flipping: "large", at: chunk + 5)["large"])
        try part(source, 0..<chunk).withContiguousBytes { _ in }
        try part(source, 2 * chunk..<3 * chunk).stream(as: .u8) { _ in }
        let place = try #require(try open()["large"])
        #expect(place.byteCount == 3 * chunk)
        for range in [chunk..<chunk + 1, chunk - 1..<chunk + 1, 0..<3 * chunk] {
            expectError(.storeDigest) { try part(source, range).withContiguousBytes { _ in } }
            expectError(.storeDigest) { try part(source, range).stream(as: .u8) { _ in } }
        }
    }
}
