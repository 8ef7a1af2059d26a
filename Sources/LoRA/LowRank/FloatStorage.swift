import UD2MFormats

/// Numbers in memory as a tensor's storage: factors that were computed.
final class FloatStorage: TensorStorage {
    let key = "memory"
    let isBigEndian = false
    private let values: [Float]

    var byteCount: Int { values.count * MemoryLayout<Float>.size }

    init(_ values: [Float]) { self.values = values }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        // Every platform we build for is little-endian, as storages say they are.
        try values.withUnsafeBytes(body)
    }
}

extension TensorSource {
    /// A dense tensor of numbers in memory.
    init(computed name: String, _ values: [Float], shape: [Int]) {
        self.init(
            name: TensorName(name), path: [name], elementType: .f32, shape: shape,
            strides: TensorSource.denseStrides(shape), elementOffset: 0, storage: FloatStorage(values))
    }
}
