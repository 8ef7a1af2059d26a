import UD2MFormats

/// Numbers in memory as a tensor of a checkpoint.
final class MemoryStorage: TensorStorage {
    let key = "memory"
    let isBigEndian = false
    let bytes: [UInt8]
    var byteCount: Int { bytes.count }

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try bytes.withUnsafeBytes(body)
    }
}

extension TensorSource {
    /// A dense tensor of single-precision numbers.
    init(_ name: TensorName, _ floats: [Float], shape: [Int]? = nil) {
        self.init(
            name, floats.withUnsafeBytes { Array($0) }, .f32, shape: shape ?? [floats.count])
    }

    /// A dense tensor of double-precision numbers.
    init(_ name: TensorName, doubles: [Double]) {
        self.init(name, doubles.withUnsafeBytes { Array($0) }, .f64, shape: [doubles.count])
    }

    /// A dense tensor of 64-bit integers.
    init(_ name: TensorName, integers: [Int], _ type: ElementType = .i64) {
        self.init(name, integers.withUnsafeBytes { Array($0) }, type, shape: [integers.count])
    }

    /// A dense tensor of given bytes.
    init(_ name: TensorName, _ bytes: [UInt8], _ type: ElementType, shape: [Int], path: [String] = []) {
        self.init(
            name: name, path: path + [name.text], elementType: type, shape: shape,
            strides: TensorSource.denseStrides(shape), elementOffset: 0, storage: MemoryStorage(bytes))
    }
}

extension Checkpoint {
    /// A checkpoint of the given state dicts.
    init(_ stateDicts: [StateDict]) {
        self.init(path: "memory.pt", container: .torchZip, fileSize: 0, stateDicts: stateDicts)
    }
}
