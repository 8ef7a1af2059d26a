import CUD2MCUDA
import UD2MFormats

/// A kernel, ready to be launched.
struct CUDAKernel {
    let name: String
    let function: ud2m_cuda_function
    let threads: UInt32
}

/// The kernels' modules, each compiled by the driver when its first kernel is asked for; used on the context's thread.
final class CUDAModuleCache {
    private let driver: CUDADriver
    private var modules: [UInt32: ud2m_cuda_module] = [:]
    private var kernels: [String: CUDAKernel] = [:]

    init(_ driver: CUDADriver) { self.driver = driver }

    /// The kernel of a name.
    /// - Throws: `cuda-failed`, with the compiler's text where it refuses a module; `graph-invalid` for no kernel's name.
    func kernel(_ name: String) throws -> CUDAKernel {
        if let kernel = kernels[name] { return kernel }
        guard let description = ud2m_cuda_kernel_named(name)?.pointee else {
            throw UD2MError(.graphInvalid, "There is no kernel \(name).")
        }
        var function: ud2m_cuda_function?
        let module = try module(description.module)
        try driver.check(driver.table.cuModuleGetFunction(&function, module, name), "looking for the kernel \(name)")
        guard let function else { throw UD2MError(.cudaFailed, "The driver gave no kernel \(name).") }
        if description.shared_bytes > Self.sharedLimit {
            try driver.check(
                driver.table.cuFuncSetAttribute(
                    function, Int32(UD2M_CUDA_FUNCTION_MAX_DYNAMIC_SHARED_SIZE), description.shared_bytes),
                "asking for \(description.shared_bytes) bytes of shared memory for \(name)")
        }
        let kernel = CUDAKernel(name: name, function: function, threads: UInt32(description.threads))
        kernels[name] = kernel
        return kernel
    }

    /// Bytes of dynamic shared memory that every kernel may have unasked.
    private static let sharedLimit: Int32 = 48 * 1024

    private func module(_ number: ud2m_cuda_module_id) throws -> ud2m_cuda_module {
        if let module = modules[number.rawValue] { return module }
        guard let image = ud2m_cuda_image_of(Int32(number.rawValue))?.pointee else {
            throw UD2MError(.graphInvalid, "There is no module \(number.rawValue).")
        }
        var log = [CChar](repeating: 0, count: 8192)
        var module: ud2m_cuda_module?
        let result = log.withUnsafeMutableBytes { log in
            // Sizes are passed as the values of pointers.
            var options = [Int32(UD2M_CUDA_JIT_ERROR_LOG_BUFFER), Int32(UD2M_CUDA_JIT_ERROR_LOG_BUFFER_SIZE)]
            var values = [log.baseAddress, UnsafeMutableRawPointer(bitPattern: log.count)]
            return driver.table.cuModuleLoadDataEx(&module, image.text, UInt32(options.count), &options, &values)
        }
        let name = String(cString: image.name)
        let text = String(decoding: log.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try driver.check(result, "compiling the kernels of \(name)" + (text.isEmpty ? "" : " (\(text))"))
        guard let module else { throw UD2MError(.cudaFailed, "The driver gave no module \(name).") }
        modules[number.rawValue] = module
        return module
    }

    /// Gives all modules back.
    func unload() {
        for module in modules.values { _ = driver.table.cuModuleUnload(module) }
        (modules, kernels) = ([:], [:])
    }
}
