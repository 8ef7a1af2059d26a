import CUD2MCUDA
import UD2MFormats

/// Work that a device does in order; used on the context's thread.
final class CUDAStream {
    private let handle: ud2m_cuda_stream?
    private let context: CUDAContext
    private var driver: CUDADriver { context.driver }

    /// Creates a stream that does not wait for others.
    /// - Throws: `cuda-failed`.
    init(_ context: CUDAContext) throws {
        var handle: ud2m_cuda_stream?
        try context.driver.check(
            context.driver.table.cuStreamCreate(&handle, UInt32(UD2M_CUDA_STREAM_NON_BLOCKING)), "creating a stream")
        self.handle = handle
        self.context = context
    }

    deinit {
        let (driver, box) = (context.driver, Handle(handle))
        context.later { _ = driver.table.cuStreamDestroy(box.value) }
    }

    private struct Handle: @unchecked Sendable {
        let value: ud2m_cuda_stream?

        init(_ value: ud2m_cuda_stream?) { self.value = value }
    }

    /// Waits until everything is done.
    /// - Throws: `cuda-failed` when something of it went wrong.
    func synchronize() throws { try driver.check(driver.table.cuStreamSynchronize(handle), "waiting for the device") }

    /// Starts to copy memory that stays as it is until the copy is done.
    func upload(_ source: UnsafeRawPointer, to address: ud2m_cuda_address, byteCount: Int) throws {
        guard byteCount > 0 else { return }
        try driver.check(
            driver.table.cuMemcpyHtoDAsync(address, source, byteCount, handle),
            "copying \(byteCount) bytes to the device")
    }

    /// Starts to copy to memory that nothing reads until the copy is done.
    func download(_ address: ud2m_cuda_address, to target: UnsafeMutableRawPointer, byteCount: Int) throws {
        guard byteCount > 0 else { return }
        try driver.check(
            driver.table.cuMemcpyDtoHAsync(target, address, byteCount, handle),
            "copying \(byteCount) bytes from the device")
    }

    /// Starts to copy inside the device.
    func copy(_ source: ud2m_cuda_address, to target: ud2m_cuda_address, byteCount: Int) throws {
        guard byteCount > 0 else { return }
        try driver.check(
            driver.table.cuMemcpyDtoDAsync(target, source, byteCount, handle),
            "copying \(byteCount) bytes on the device")
    }

    /// Starts to write one 32-bit word to a run of addresses.
    func fill(_ address: ud2m_cuda_address, with word: UInt32, count: Int) throws {
        guard count > 0 else { return }
        try driver.check(driver.table.cuMemsetD32Async(address, word, count, handle), "filling memory")
    }

    /// Starts a kernel, whose structure is read at once.
    func launch(_ kernel: CUDAKernel, grid: DeviceGrid, sharedBytes: Int, structure: [UInt8]) throws {
        let result = structure.withUnsafeBytes { bytes -> ud2m_cuda_result in
            var parameters = [UnsafeMutableRawPointer(mutating: bytes.baseAddress)]
            return driver.table.cuLaunchKernel(
                kernel.function, UInt32(grid.x), UInt32(grid.y), UInt32(grid.z), kernel.threads, 1, 1,
                UInt32(sharedBytes), handle, &parameters, nil)
        }
        try driver.check(result, "starting the kernel \(kernel.name)")
    }

    /// Gives the driver's handle to libraries that put work into the stream.
    func withHandle<Result>(_ body: (ud2m_cuda_stream?) throws -> Result) rethrows -> Result { try body(handle) }

    /// Records what `body` starts as one graph instead of running it.
    /// - Throws: `cuda-failed`, and what `body` throws.
    func capture(_ body: () throws -> Void) throws -> CUDAGraph {
        try driver.check(
            driver.table.cuStreamBeginCapture(handle, Int32(UD2M_CUDA_CAPTURE_THREAD_LOCAL)), "beginning a capture")
        var graph: ud2m_cuda_graph?
        do {
            try body()
        } catch {
            _ = driver.table.cuStreamEndCapture(handle, &graph)
            if let graph { _ = driver.table.cuGraphDestroy(graph) }
            throw error
        }
        try driver.check(driver.table.cuStreamEndCapture(handle, &graph), "ending a capture")
        defer { _ = driver.table.cuGraphDestroy(graph) }
        var executable: ud2m_cuda_graph_exec?
        try driver.check(driver.table.cuGraphInstantiate(&executable, graph, 0), "preparing a graph")
        guard let executable else { throw UD2MError(.cudaFailed, "The driver gave no graph.") }
        return CUDAGraph(executable, of: context)
    }

    /// Starts a graph.
    func launch(_ graph: CUDAGraph) throws {
        try driver.check(driver.table.cuGraphLaunch(graph.handle, handle), "starting a graph")
    }

    /// Marks the work so far.
    func record(_ event: CUDAEvent) throws {
        try driver.check(driver.table.cuEventRecord(event.handle, handle), "recording an event")
    }

    /// Lets what is started from now on wait for what was before an event of another stream.
    func wait(for event: CUDAEvent) throws {
        try driver.check(driver.table.cuStreamWaitEvent(handle, event.handle, 0), "waiting for another stream")
    }
}

/// Kernels that are started as one.
final class CUDAGraph {
    fileprivate let handle: ud2m_cuda_graph_exec
    private let context: CUDAContext

    fileprivate init(_ handle: ud2m_cuda_graph_exec, of context: CUDAContext) {
        self.handle = handle
        self.context = context
    }

    deinit {
        let (driver, box) = (context.driver, Handle(value: handle))
        context.later { _ = driver.table.cuGraphExecDestroy(box.value) }
    }

    private struct Handle: @unchecked Sendable {
        let value: ud2m_cuda_graph_exec
    }
}

/// A point in a stream's work.
final class CUDAEvent {
    fileprivate let handle: ud2m_cuda_event?
    private let context: CUDAContext

    /// Creates an event on the context's thread; with `isTimed` it knows when it happened.
    /// - Throws: `cuda-failed`.
    init(_ context: CUDAContext, isTimed: Bool = false) throws {
        var handle: ud2m_cuda_event?
        try context.driver.check(
            context.driver.table.cuEventCreate(&handle, isTimed ? 0 : UInt32(UD2M_CUDA_EVENT_DISABLE_TIMING)),
            "creating an event")
        self.handle = handle
        self.context = context
    }

    deinit {
        let (driver, box) = (context.driver, Handle(value: handle))
        context.later { _ = driver.table.cuEventDestroy(box.value) }
    }

    private struct Handle: @unchecked Sendable {
        let value: ud2m_cuda_event?
    }

    /// Waits until it has happened.
    func wait() throws {
        try context.driver.check(context.driver.table.cuEventSynchronize(handle), "waiting for an event")
    }

    /// Seconds from another timed event to this one; both have happened.
    func seconds(since start: CUDAEvent) throws -> Double {
        var milliseconds: Float = 0
        try context.driver.check(
            context.driver.table.cuEventElapsedTime(&milliseconds, start.handle, handle), "timing the device")
        return Double(milliseconds) / 1000
    }
}
