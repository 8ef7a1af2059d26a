import CUD2MCUDA
import UD2MFormats

/// What is computed with images between two runs of a network, in a device's memory: weighted sums, noise, masks,
/// filters of spectra, totals.
///
/// Work is started in order and not waited for, but where a method gives numbers to the host. Everything may be called by
/// any thread. Shapes that do not fit are errors of code `tensor-shape`; images beyond what kernels count (2³¹ elements,
/// 65 535 planes, sides of 4096 in a transform) `cuda-unsupported`; every method throws `memory-exhausted` and `cuda-failed`.
package final class DeviceArithmetic: @unchecked Sendable {
    /// Where it computes.
    package let context: CUDAContext
    let stream: CUDAStream
    private let pool: DeviceMemoryPool
    // What follows is touched on the context's thread alone.
    private let before: CUDAEvent
    private let after: CUDAEvent
    private var tables: [Int: FourierTables] = [:]
    private var names: Set<String> = []

    /// Prepares a device that is open.
    package init(_ context: CUDAContext) throws {
        self.context = context
        pool = DeviceMemoryPool(context)
        (stream, before, after) = try context.run {
            (try CUDAStream(context), try CUDAEvent(context), try CUDAEvent(context))
        }
    }

    /// The kernels that were launched so far.
    package var launched: Set<String> { get throws { try context.run { [self] in names } } }

    /// Waits until all is done that was started.
    package func synchronize() throws { try context.run { [self] in try stream.synchronize() } }

    // MARK: Copies

    /// A tensor of the host in the device's memory.
    package func upload(_ tensor: Tensor) throws -> DeviceTensor {
        try context.run { [self] in try write(tensor.values, tensor.shape) }
    }

    /// A tensor of the device in the host's memory; waits for it.
    package func download(_ tensor: DeviceTensor) throws -> Tensor {
        let values = try context.run { [self] in try read(tensor, Float.self, count: tensor.count) }
        return try Tensor(shape: tensor.shape, values: values)
    }

    // MARK: For extensions, on the context's thread

    /// Memory for a tensor. A job takes all that it needs before it launches its first kernel (``DeviceMemoryPool``).
    func tensor(_ shape: [Int]) throws -> DeviceTensor { try DeviceTensor(shape, from: pool) }

    /// Copies numbers to the device and waits for that: they are gone afterwards.
    func write(_ values: [Float], _ shape: [Int]) throws -> DeviceTensor {
        let result = try tensor(shape)
        try values.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            try stream.upload(start, to: result.buffer.address, byteCount: bytes.count)
            try stream.synchronize()
        }
        return result
    }

    /// The first numbers of a tensor's memory.
    func read<Number: BitwiseCopyable & ExpressibleByIntegerLiteral>(
        _ tensor: DeviceTensor, _ type: Number.Type, count: Int
    ) throws -> [Number] {
        var values = [Number](repeating: 0, count: count)
        try values.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            try stream.download(tensor.buffer.address, to: start, byteCount: bytes.count)
            try stream.synchronize()
        }
        return values
    }

    /// Starts a kernel with its structure.
    func launch<Structure>(
        _ name: String, _ grid: DeviceGrid, sharedBytes: Int = 0, _ structure: Structure
    ) throws {
        guard grid.y <= 65_535 else { throw Self.tooLarge("\(grid.y) planes") }
        try stream.launch(
            try context.kernel(name), grid: grid, sharedBytes: sharedBytes, structure: structureBytes(structure))
        names.insert(name)
    }

    /// Does work in another stream after all that was started here, and before all that will be.
    func interpose(_ other: CUDAStream, _ work: () throws -> Void) throws {
        try stream.record(before)
        try other.wait(for: before)
        try work()
        try other.record(after)
        try stream.wait(for: after)
    }

    /// The tables of transforms of a length, made once.
    func tables(_ length: Int) throws -> FourierTables {
        if let known = tables[length] { return known }
        let made = try FourierTables(length) { [self] in try write($0, [$0.count]) }
        tables[length] = made
        return made
    }

    /// Blocks for a kernel that goes through `count` elements whatever its grid is.
    static func grid(_ count: Int, planes: Int = 1) -> DeviceGrid {
        DeviceGrid(x: max(1, min(wholeBlocks(count, of: 256), 16 * DeviceSizes.multiprocessors)), y: planes)
    }

    /// A number of elements as kernels count.
    static func number(_ count: Int) throws -> Int32 {
        guard let number = Int32(exactly: count) else { throw tooLarge("\(count) elements") }
        return number
    }

    static func tooLarge(_ what: String) -> UD2MError {
        UD2MError(
            .cudaUnsupported, "Images of \(what) are more than the device's kernels take.",
            remedy: "Use smaller images or batches, or --device cpu.")
    }

    static func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        guard condition else { throw UD2MError(.tensorShape, message()) }
    }
}
