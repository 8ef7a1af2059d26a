import CUD2MCUDADriver
import UD2MFormats
import UD2MRuntime
import UD2MSampler
import UD2MTestSupport

/// The device of the driver that interprets kernels on the CPU.
enum SamplerDevice {
    private static let driver = Result {
        TestDriverSettings.apply()
        return try CUDADriver { name in ud2m_testdriver_resolve(name) }
    }

    private static let context = Result { try CUDAContext(driver.get().device()) }

    /// Whether the processor can run the interpreter.
    static var isAvailable: Bool { (try? driver.get()) != nil }

    static func device() throws -> CUDADevice { try driver.get().device() }

    /// The context that tests share, so that kernels are read once.
    static func openContext() throws -> CUDAContext { try context.get() }

    /// What computes there, new for every caller.
    static func arithmetic() throws -> DeviceArithmetic { try DeviceArithmetic(openContext()) }
}

/// The same device through a driver that counts calls; tests that look at the counts run one after the other.
enum CountingDevice {
    /// Copies between host and device of at least ``imageBytes``, and allocations.
    nonisolated(unsafe) static var (uploads, downloads, allocations) = (0, 0, 0)
    /// Fewer than an image of these tests has, more than a few totals.
    static let imageBytes = 200

    private typealias Upload = @convention(c) (UInt64, UnsafeRawPointer?, Int, OpaquePointer?) -> Int32
    private typealias Download = @convention(c) (UnsafeMutableRawPointer?, UInt64, Int, OpaquePointer?) -> Int32
    private typealias Allocate = @convention(c) (UnsafeMutablePointer<UInt64>?, Int) -> Int32

    private static let context = Result {
        TestDriverSettings.apply()
        let upload: Upload = { to, from, bytes, stream in
            if bytes >= CountingDevice.imageBytes { CountingDevice.uploads += 1 }
            let real = ud2m_testdriver_resolve("cuMemcpyHtoDAsync_v2")
            return unsafeBitCast(real, to: Upload.self)(to, from, bytes, stream)
        }
        let download: Download = { to, from, bytes, stream in
            if bytes >= CountingDevice.imageBytes { CountingDevice.downloads += 1 }
            let real = ud2m_testdriver_resolve("cuMemcpyDtoHAsync_v2")
            return unsafeBitCast(real, to: Download.self)(to, from, bytes, stream)
        }
        let allocate: Allocate = { address, bytes in
            CountingDevice.allocations += 1
            return unsafeBitCast(ud2m_testdriver_resolve("cuMemAlloc_v2"), to: Allocate.self)(address, bytes)
        }
        let driver = try CUDADriver { name in
            switch name {
            case "cuMemcpyHtoDAsync_v2": unsafeBitCast(upload, to: UnsafeMutableRawPointer.self)
            case "cuMemcpyDtoHAsync_v2": unsafeBitCast(download, to: UnsafeMutableRawPointer.self)
            case "cuMemAlloc_v2": unsafeBitCast(allocate, to: UnsafeMutableRawPointer.self)
            default: ud2m_testdriver_resolve(name)
            }
        }
        return try CUDAContext(driver.device())
    }

    /// What computes there, new for every caller.
    static func arithmetic() throws -> DeviceArithmetic { try DeviceArithmetic(context.get()) }
}

/// Says that half of an image is noise: on a device where there is one, else on the CPU.
struct HalfDenoiser: DeviceDenoiser {
    let arithmetic: DeviceArithmetic?

    func predictNoise(_ x: Tensor, timestep: Int) throws -> Tensor { try x.scaled(by: 0.5) }

    func predictNoise(_ images: [DeviceTensor], timestep: Int) throws -> [DeviceTensor] {
        guard let arithmetic else { throw UD2MError(.graphInvalid, "There is no device.") }
        return try images.map { try arithmetic.sum(DeviceMix($0, 0.5)) }
    }
}

/// An operator whose kind nobody can see.
struct HiddenOperator: ForwardOperator {
    let hidden: any ForwardOperator

    var name: String { "hidden" }
    var parameters: [OperatorParameter] { [] }
    var imageSize: PlaneSize { hidden.imageSize }
    var memory: OperatorMemory { hidden.memory }
    func apply(_ image: Tensor) throws -> Tensor { try hidden.apply(image) }
    func adjoint(_ observation: Tensor) throws -> Tensor { try hidden.adjoint(observation) }
    func initialEstimate(_ observation: Tensor) throws -> Tensor { try hidden.initialEstimate(observation) }
    func pseudoInverse(_ observation: Tensor, relativeThreshold: Double) throws -> Tensor {
        try hidden.pseudoInverse(observation, relativeThreshold: relativeThreshold)
    }
    func proximalStep(_ objective: ProximalObjective) throws -> Tensor { try hidden.proximalStep(objective) }
}

/// The largest absolute difference of two tensors; infinite when their shapes differ or a value is NaN.
func largestDifference(_ first: Tensor, _ second: Tensor) -> Double {
    guard first.shape == second.shape else { return .infinity }
    return largestDifference(first.values.map { Double($0) }, second.values.map { Double($0) })
}
