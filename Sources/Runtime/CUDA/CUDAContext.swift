import CUD2MCUDA
import UD2MFormats

/// A device in use: its primary context, current on a thread of its own.
///
/// What belongs to it (buffers, streams, kernels) is touched on that thread alone, inside ``run(_:)``.
package final class CUDAContext: @unchecked Sendable {
    package let device: CUDADevice
    private let thread: DeviceThread
    private let modules: CUDAModuleCache
    /// The libraries that may compute products; nil where none was given.
    let accelerators: CUDAAccelerators?

    var driver: CUDADriver { device.driver }

    /// Opens a device, and libraries on it. One that cannot be opened is not used, and ``acceleratorUses`` says why.
    /// - Throws: `cuda-failed`, `memory-exhausted`.
    package init(_ device: CUDADevice, accelerators libraries: AcceleratorLibraries = .none) throws {
        self.device = device
        modules = CUDAModuleCache(device.driver)
        let thread = try DeviceThread()
        self.thread = thread
        try thread.run {
            let driver = device.driver
            var handle: ud2m_cuda_context?
            try driver.check(driver.table.cuDevicePrimaryCtxRetain(&handle, device.handle), "opening the device")
            do {
                try driver.check(driver.table.cuCtxSetCurrent(handle), "making the device current")
            } catch {
                _ = driver.table.cuDevicePrimaryCtxRelease(device.handle)
                throw error
            }
            thread.isOpen = true
        }
        accelerators = libraries.isEmpty ? nil : try thread.run { CUDAAccelerators(libraries) }
    }

    /// What came of every product that a library was to compute, in the order of their first use.
    package var acceleratorUses: [AcceleratorUse] {
        guard let accelerators, let uses = try? run({ accelerators.uses }) else { return [] }
        return uses
    }

    /// Whether libraries were given.
    package var hasAccelerators: Bool { accelerators != nil }

    /// The libraries that are open, such as "cudnn 9.26.0".
    package var acceleratorVersions: [String] { accelerators?.versions ?? [] }

    deinit {
        let (thread, modules, device, accelerators) = (thread, modules, device, accelerators)
        guard thread.isOpen else { return }
        thread.later {
            // Unloading can only fail after a fault, and then there is nothing left to unload.
            modules.unload()
            accelerators?.close()
            _ = device.driver.table.cuDevicePrimaryCtxRelease(device.handle)
        }
    }

    /// Runs a closure on the context's thread and waits for it.
    package func run<Value>(_ body: @escaping () throws -> Value) throws -> Value { try thread.run(body) }

    /// Runs a closure on the context's thread: later, or at once there.
    func later(_ body: @escaping () -> Void) { thread.later(body) }

    /// A kernel by its name; loads its module the first time.
    /// - Throws: `cuda-failed` with what the driver's compiler says.
    func kernel(_ name: String) throws -> CUDAKernel { try modules.kernel(name) }

    /// Bytes of the device's memory that are free.
    package var freeMemory: Int {
        get throws {
            try run { [driver] in
                var (free, total) = (0, 0)
                try driver.check(driver.table.cuMemGetInfo(&free, &total), "asking for free memory")
                return free
            }
        }
    }
}
