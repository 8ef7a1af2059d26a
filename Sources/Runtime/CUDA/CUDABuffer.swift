import CUD2MCUDA
import UD2MFormats

/// Memory of a device, given back when nothing refers to it any more.
package final class CUDABuffer: Sendable {
    package let address: UInt64
    package let byteCount: Int
    private let context: CUDAContext

    /// Allocates memory, whose content is undefined; on the context's thread. No bytes are no memory.
    /// - Throws: `memory-exhausted` with the sizes, `cuda-failed`.
    package init(_ byteCount: Int, on context: CUDAContext, for purpose: String) throws {
        let driver = context.driver
        var address: ud2m_cuda_address = 0
        if byteCount > 0 {
            let result = driver.table.cuMemAlloc(&address, byteCount)
            if Int(result) == UD2M_CUDA_ERROR_OUT_OF_MEMORY {
                throw Self.exhausted(byteCount, purpose, free: try context.freeMemory, of: context.device)
            }
            try driver.check(result, "allocating \(byteCount) bytes for \(purpose)")
        }
        self.address = address
        self.byteCount = byteCount
        self.context = context
    }

    static func exhausted(_ bytes: Int, _ purpose: String, free: Int, of device: CUDADevice) -> UD2MError {
        UD2MError(
            .memoryExhausted,
            "\(purpose) need \(size(bytes)) of \(device.name), of whose \(size(device.memory)) \(size(free)) are free.",
            remedy: CUDADriver.memoryRemedy)
    }

    /// In MiB, or KiB where that would round much.
    private static func size(_ bytes: Int) -> String { bytes >= 10 << 20 ? "\(bytes >> 20) MiB" : "\(bytes >> 10) KiB" }

    deinit {
        guard address != 0 else { return }
        let (address, driver) = (address, context.driver)
        // After a fault nothing can be given back, nor need be.
        context.later { _ = driver.table.cuMemFree(address) }
    }
}

/// Memory of the host that the device copies from and to while the host goes on.
final class PinnedBuffer {
    let bytes: UnsafeMutableRawBufferPointer
    private let context: CUDAContext

    /// Allocates memory, on the context's thread.
    /// - Throws: `memory-exhausted`, `cuda-failed`.
    init(_ byteCount: Int, on context: CUDAContext) throws {
        try MachineMemory.require(byteCount, for: "Memory for copies to and from the GPU")
        let driver = context.driver
        var pointer: UnsafeMutableRawPointer?
        if byteCount > 0 {
            try driver.check(
                driver.table.cuMemHostAlloc(&pointer, byteCount, UInt32(UD2M_CUDA_HOST_ALLOC_PORTABLE)),
                "pinning \(byteCount) bytes of the host's memory")
        }
        bytes = UnsafeMutableRawBufferPointer(start: pointer, count: byteCount)
        self.context = context
    }

    deinit {
        guard let pointer = bytes.baseAddress else { return }
        let (box, driver) = (PinnedPointer(pointer: pointer), context.driver)
        context.later { _ = driver.table.cuMemFreeHost(box.pointer) }
    }

    private struct PinnedPointer: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer
    }
}
