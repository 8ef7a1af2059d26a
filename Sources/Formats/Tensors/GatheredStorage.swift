/// The elements of a strided tensor, brought into row-major order in memory when they are asked for.
final class GatheredStorage: TensorStorage {
    let isBigEndian = false
    private let source: TensorSource

    var key: String { source.storage.key }
    var byteCount: Int { source.byteCount }

    /// The bytes of `source`, whose bounds have been checked.
    init(_ source: TensorSource) {
        self.source = source
    }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try source.withContiguousBytes(body)
    }
}
