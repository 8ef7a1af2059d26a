import CUD2MCUDA
import UD2MFormats

/// A GPU that the driver knows.
public struct CUDADevice: Sendable {
    /// What the kernels need of a GPU.
    public struct ComputeCapability: Sendable, Hashable, Comparable, CustomStringConvertible {
        /// 8 of 8.6.
        public let major: Int
        /// 6 of 8.6.
        public let minor: Int

        /// Whether one is older than the other.
        public static func < (lhs: Self, rhs: Self) -> Bool { (lhs.major, lhs.minor) < (rhs.major, rhs.minor) }

        /// Such as "8.6".
        public var description: String { "\(major).\(minor)" }
    }

    /// The oldest capability that the kernels run on: Ampere's.
    public static let oldestCapability = ComputeCapability(major: 8, minor: 0)

    /// Its number, from 0.
    public let ordinal: Int
    /// Such as "NVIDIA A100-SXM4-40GB".
    public let name: String
    /// What its kernels may use.
    public let capability: ComputeCapability
    /// Bytes of its memory.
    public let memory: Int
    /// How many blocks of kernels can make progress apart from each other.
    public let multiprocessors: Int
    /// Sixteen bytes in hexadecimal, as `nvidia-smi -L` writes them.
    public let uuid: String
    let driver: CUDADriver
    let handle: ud2m_cuda_device

    /// Whether the kernels run on it.
    public var isSupported: Bool { capability >= Self.oldestCapability }

    init(_ ordinal: Int, of driver: CUDADriver) throws {
        let table = driver.table
        var handle: ud2m_cuda_device = 0
        try driver.check(table.cuDeviceGet(&handle, Int32(ordinal)), "looking for device \(ordinal)")
        var name = [CChar](repeating: 0, count: 256)
        try driver.check(table.cuDeviceGetName(&name, Int32(name.count), handle), "asking for the device's name")
        var bytes = 0
        try driver.check(table.cuDeviceTotalMem(&bytes, handle), "asking for the device's memory")
        var uuid = ud2m_cuda_uuid()
        try driver.check(table.cuDeviceGetUuid(&uuid, handle), "asking for the device's identifier")
        func attribute(_ number: Int) throws -> Int {
            var value: Int32 = 0
            try driver.check(
                table.cuDeviceGetAttribute(&value, Int32(number), handle), "asking for attribute \(number)")
            return Int(value)
        }
        capability = ComputeCapability(
            major: try attribute(UD2M_CUDA_COMPUTE_CAPABILITY_MAJOR),
            minor: try attribute(UD2M_CUDA_COMPUTE_CAPABILITY_MINOR))
        multiprocessors = try attribute(UD2M_CUDA_MULTIPROCESSOR_COUNT)
        self.ordinal = ordinal
        self.name = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        self.uuid = Self.text(uuid)
        memory = bytes
        self.driver = driver
        self.handle = handle
    }

    private static func text(_ uuid: ud2m_cuda_uuid) -> String {
        withUnsafeBytes(of: uuid) { bytes in
            bytes.enumerated().map { index, byte in
                let digits = String(byte, radix: 16)
                let dash = [4, 6, 8, 10].contains(index) ? "-" : ""
                return dash + (digits.count < 2 ? "0" : "") + digits
            }.joined()
        }
    }
}

extension CUDADriver {
    /// All devices, those that the kernels do not run on among them.
    /// - Throws: `cuda-failed`.
    public func devices() throws -> [CUDADevice] {
        var count: Int32 = 0
        try check(table.cuDeviceGetCount(&count), "counting devices")
        return try (0..<Int(count)).map { try CUDADevice($0, of: self) }
    }

    /// A device that the kernels run on.
    /// - Parameter ordinal: its number; nil for the first that is supported.
    /// - Returns: the device, which is not opened yet.
    /// - Throws: `cuda-unavailable` when there is none.
    public func device(_ ordinal: Int? = nil) throws -> CUDADevice {
        let all = try devices()
        guard !all.isEmpty else { throw Self.noDevice }
        guard
            let device = ordinal.map({ number in all.first { $0.ordinal == number } })
                ?? all.first(where: \.isSupported)
        else {
            let names = all.map { "\($0.ordinal): \($0.name), compute capability \($0.capability)" }
            let reason =
                ordinal.map { "There is no device \($0)" }
                ?? "No device has compute capability \(CUDADevice.oldestCapability) or newer"
            throw UD2MError(
                .cudaUnavailable, "\(reason) (\(names.joined(separator: "; "))).",
                remedy: "Choose one that ud2m devices calls usable, or use --device cpu.")
        }
        guard device.isSupported else {
            throw UD2MError(
                .cudaUnavailable,
                "\(device.name) has compute capability \(device.capability), and \(CUDADevice.oldestCapability) is needed.",
                remedy: "Choose one that ud2m devices calls usable, or use --device cpu.")
        }
        return device
    }
}
