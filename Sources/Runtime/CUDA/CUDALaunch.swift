/// A launch with its addresses.
struct CUDALaunch {
    let launch: DeviceLaunch
    private let kernel: CUDAKernel
    private let structure: [UInt8]

    /// - Throws: `graph-invalid`, `cuda-failed`.
    init(_ launch: DeviceLaunch, _ addresses: DeviceAddresses, on context: CUDAContext) throws {
        self.launch = launch
        kernel = try context.kernel(launch.kernel)
        structure = try launch.structure(addresses)
    }

    func start(_ stream: CUDAStream) throws {
        try stream.launch(kernel, grid: launch.grid, sharedBytes: launch.sharedBytes, structure: structure)
    }
}
