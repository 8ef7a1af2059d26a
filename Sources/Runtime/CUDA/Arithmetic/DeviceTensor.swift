import Synchronization
import UD2MFormats

/// A float32 tensor in a device's memory, row-major.
///
/// It is written once, by the ``DeviceArithmetic`` that it comes from, and not changed afterwards. Its memory is used again
/// when nothing refers to it any more.
package final class DeviceTensor: Sendable {
    /// Sizes, outermost first: NCHW for images; [⌈C/2⌉ · N, H, W, 2] for their spectra.
    package let shape: [Int]
    let buffer: CUDABuffer
    private let pool: DeviceMemoryPool

    /// Takes memory, whose content is undefined; on the context's thread.
    /// - Throws: `tensor-shape`, `memory-exhausted`, `cuda-failed`.
    init(_ shape: [Int], from pool: DeviceMemoryPool) throws {
        guard let count = Tensor.elementCount(shape) else {
            throw UD2MError(.tensorShape, "\(shape) is not the shape of a tensor.")
        }
        self.shape = shape
        self.pool = pool
        buffer = try pool.take(count * 4)
    }

    deinit { pool.giveBack(buffer) }

    /// How many elements there are.
    package var count: Int { buffer.byteCount / 4 }

    /// The elements' address, as kernels' structures hold it.
    var floats: UnsafeMutablePointer<Float>? { UnsafeMutablePointer(bitPattern: UInt(buffer.address)) }

    /// As ``floats``, for what a kernel only reads.
    var elements: UnsafePointer<Float>? { UnsafePointer(floats) }
}

/// Memory of a device that is used again and again, since allocating waits for all work of the device.
///
/// What is given back may still be read by kernels that were started. Only kernels that are started later in the same
/// stream get it next: memory is taken on the context's thread, by a job whose kernels all start after that.
final class DeviceMemoryPool: Sendable {
    private let context: CUDAContext
    private let kept = Mutex<[Int: [CUDABuffer]]>([:])

    /// Bytes that are kept at most when memory of another size is needed.
    private static let limit = 256 << 20

    init(_ context: CUDAContext) { self.context = context }

    /// Memory of a size; on the context's thread.
    /// - Throws: `memory-exhausted`, `cuda-failed`.
    func take(_ byteCount: Int) throws -> CUDABuffer {
        if let buffer = kept.withLock({ $0[byteCount]?.popLast() }) { return buffer }
        // What is dropped goes back to the device outside of the lock.
        _ = kept.withLock { kept in
            let total = kept.reduce(0) { $0 + $1.key * $1.value.count }
            guard total > Self.limit else { return [Int: [CUDABuffer]]() }
            defer { kept = [:] }
            return kept
        }
        return try CUDABuffer(byteCount, on: context, for: "The sampler's images")
    }

    /// Keeps memory for later; on any thread.
    func giveBack(_ buffer: CUDABuffer) { kept.withLock { $0[buffer.byteCount, default: []].append(buffer) } }
}
