import UD2MFormats

extension UD2MError.Code {
    /// There is no CUDA driver, one that is too old, or no device that the kernels run on.
    public static let cudaUnavailable = Self("cuda-unavailable", .unavailable)
    /// The CUDA driver refused a call, or a kernel ended in a fault.
    public static let cudaFailed = Self("cuda-failed", .internalBug)
    /// A network that the device's kernels cannot run.
    public static let cudaUnsupported = Self("cuda-unsupported", .unavailable)
}
