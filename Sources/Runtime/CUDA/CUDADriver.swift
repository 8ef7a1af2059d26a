import CUD2MCUDA
import UD2MFormats

/// NVIDIA's driver library, loaded while the program runs: nothing of it is needed to build.
public final class CUDADriver: @unchecked Sendable {
    /// The functions of the library, which never change.
    let table: ud2m_cuda_driver
    /// The newest CUDA version that the driver supports.
    public let version: Version

    /// A version of CUDA.
    public struct Version: Sendable, Hashable, Comparable, CustomStringConvertible {
        /// 12 of 12.4.
        public let major: Int
        /// 4 of 12.4.
        public let minor: Int

        /// Whether one is older than the other.
        public static func < (lhs: Version, rhs: Version) -> Bool { (lhs.major, lhs.minor) < (rhs.major, rhs.minor) }

        /// Such as "12.4".
        public var description: String { "\(major).\(minor)" }
    }

    /// The oldest CUDA version whose drivers accept the kernels.
    public static let oldestVersion = Version(major: 12, minor: 0)

    private static let loaded = Result { try CUDADriver(path: nil) }

    /// The driver of this machine, or the library that the environment variable `UD2M_CUDA_DRIVER` names; loaded once.
    /// - Throws: `cuda-unavailable` with what is missing and what to do.
    public static func load() throws -> CUDADriver { try loaded.get() }

    /// Loads a library by its path; nil for that of ``load()``.
    /// - Throws: as ``load()``.
    package convenience init(path: String?) throws {
        try self.init { table, text, size in ud2m_cuda_open(path, table, text, size) }
    }

    /// Takes the driver's functions from `resolver`, for a driver that is linked into the program.
    /// - Throws: as ``load()``.
    package convenience init(resolver: @escaping (_ name: String) -> UnsafeMutableRawPointer?) throws {
        let box = ResolverBox(resolver)
        try self.init { table, text, size in
            withExtendedLifetime(box) {
                ud2m_cuda_resolve(ResolverBox.callback, box.context, table, text, size)
            }
        }
    }

    private init(
        _ open: (UnsafeMutablePointer<ud2m_cuda_driver>, UnsafeMutablePointer<CChar>?, Int) -> ud2m_cuda_open_result
    ) throws {
        var table = ud2m_cuda_driver()
        var text = [CChar](repeating: 0, count: 1024)
        let result = text.withUnsafeMutableBufferPointer { text in open(&table, text.baseAddress, text.count) }
        let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        switch result {
        case UD2M_CUDA_OPENED: break
        case UD2M_CUDA_NO_FUNCTION:
            throw Self.unavailable("The CUDA driver is too old or is none: \(reason).")
        default: throw Self.unavailable("The CUDA driver cannot be loaded: \(reason).")
        }
        self.table = table
        var number: Int32 = 0
        // Unlike all other functions this one works on a machine whose driver does not start.
        guard Int(table.cuDriverGetVersion(&number)) == UD2M_CUDA_SUCCESS else {
            throw Self.unavailable("The CUDA driver does not tell its version.")
        }
        version = Version(major: Int(number) / 1000, minor: Int(number) % 1000 / 10)
        guard version >= Self.oldestVersion else {
            throw Self.unavailable("The CUDA driver supports CUDA \(version), and \(Self.oldestVersion) is needed.")
        }
        let start = table.cuInit(0)
        guard Int(start) == UD2M_CUDA_SUCCESS else {
            if Int(start) == UD2M_CUDA_ERROR_NO_DEVICE { throw Self.noDevice }
            throw Self.unavailable("The CUDA driver does not start: \(self.text(of: start)).")
        }
    }

    private static func unavailable(_ message: String) -> UD2MError {
        UD2MError(
            .cudaUnavailable, message,
            remedy: "Install NVIDIA's driver 525 or newer, name its library in UD2M_CUDA_DRIVER, or use --device cpu.")
    }

    static let noDevice = UD2MError(
        .cudaUnavailable, "The CUDA driver finds no device.",
        remedy: "Check nvidia-smi and CUDA_VISIBLE_DEVICES, or use --device cpu.")

    /// What a result of the driver means, such as "CUDA_ERROR_LAUNCH_FAILED, unspecified launch failure".
    func text(of result: ud2m_cuda_result) -> String {
        func ask(_ function: (ud2m_cuda_result, UnsafeMutablePointer<UnsafePointer<CChar>?>?) -> ud2m_cuda_result)
            -> String?
        {
            var text: UnsafePointer<CChar>?
            guard Int(function(result, &text)) == UD2M_CUDA_SUCCESS, let text else { return nil }
            return String(cString: text)
        }
        let parts = [ask(table.cuGetErrorName), ask(table.cuGetErrorString)].compactMap { $0 }
        return parts.isEmpty ? "error \(result)" : parts.joined(separator: ", ")
    }

    /// Turns what a call of the driver returned into an error.
    /// - Throws: `cuda-failed`, or `memory-exhausted` when the device or the host has no memory left.
    func check(_ result: ud2m_cuda_result, _ work: @autoclosure () -> String) throws {
        switch Int(result) {
        case UD2M_CUDA_SUCCESS: return
        case UD2M_CUDA_ERROR_OUT_OF_MEMORY:
            throw UD2MError(
                .memoryExhausted, "The device has no memory left while \(work()).", remedy: Self.memoryRemedy)
        default:
            throw UD2MError(
                .cudaFailed, "The CUDA driver failed while \(work()): \(text(of: result)).",
                remedy: "Run ud2m cuda-selftest; use --device cpu meanwhile.")
        }
    }

    static let memoryRemedy =
        "Images need less in smaller tiles or batches, and weights and images in fp16 or bf16 than in fp32; or free the device's "
        + "memory, or use --device cpu."
}

/// What resolves functions of a library that is linked into the program, as C calls it.
final class ResolverBox {
    private let resolve: (String) -> UnsafeMutableRawPointer?

    init(_ resolve: @escaping (String) -> UnsafeMutableRawPointer?) { self.resolve = resolve }

    /// Calls the box that ``context`` stands for, which must be alive.
    static var callback: @convention(c) (UnsafePointer<CChar>?, UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        { name, context in
            guard let name, let context else { return nil }
            let box = Unmanaged<ResolverBox>.fromOpaque(context).takeUnretainedValue()
            return box.resolve(String(cString: name))
        }
    }

    var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }
}
