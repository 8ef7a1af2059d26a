import CUD2MCUDADriver
import Foundation
import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// What is said where there is no driver, an old one, or no device.
@Suite struct CUDADriverTests {
    private func unavailable(_ open: () throws -> Any) -> UD2MError? {
        let error = #expect(throws: UD2MError.self) { _ = try open() }
        #expect(error?.code == .cudaUnavailable)
        #expect(error?.code.category == .unavailable)
        #expect(error?.remedy != nil)
        return error
    }

    @Test func aMissingLibraryIsNamed() {
        let error = unavailable { try CUDADriver(path: "/nowhere/libnothing.so") }
        #expect(error?.message.contains("/nowhere/libnothing.so") == true)
    }

    @Test func aMissingFunctionIsNamed() {
        let error = unavailable {
            try CUDADriver { name in name == "cuGraphLaunch" ? nil : ud2m_testdriver_resolve(name) }
        }
        #expect(error?.message.contains("cuGraphLaunch") == true)
    }

    @Test func anOldDriverIsRefused() {
        let version: @convention(c) (UnsafeMutablePointer<Int32>?) -> Int32 = { version in
            version?.pointee = 11_080
            return 0
        }
        let error = unavailable {
            try CUDADriver { name in
                name == "cuDriverGetVersion"
                    ? unsafeBitCast(version, to: UnsafeMutableRawPointer.self) : ud2m_testdriver_resolve(name)
            }
        }
        #expect(error?.message.contains("11.8") == true)
        #expect(error?.message.contains("12.0") == true)
    }

    @Test func aMachineWithoutDevicesIsRefused() {
        let start: @convention(c) (UInt32) -> Int32 = { _ in 100 }
        _ = unavailable {
            try CUDADriver { name in
                name == "cuInit"
                    ? unsafeBitCast(start, to: UnsafeMutableRawPointer.self) : ud2m_testdriver_resolve(name)
            }
        }
    }

    @Test(.enabled(if: TestDevice.isAvailable)) func devicesAreDescribed() throws {
        let driver = try TestDevice.driver()
        #expect(driver.version >= CUDADriver.oldestVersion)
        let devices = try driver.devices()
        #expect(devices.map(\.ordinal) == [0, 1, 2])
        #expect(devices.allSatisfy { $0.memory == TestDevice.memory && $0.isSupported && !$0.name.isEmpty })
        #expect(Set(devices.map(\.uuid)).count == 3)
        #expect(devices[0].uuid.count == 36)
        #expect(try driver.device().ordinal == 0)
        let error = unavailable { try driver.device(7) }
        #expect(error?.message.contains("0: ") == true)
    }

    /// A GPU older than the kernels is listed, and refused with what it lacks.
    @Test(.enabled(if: TestDevice.isAvailable)) func anOldDeviceIsRefused() throws {
        let attribute: @convention(c) (UnsafeMutablePointer<Int32>?, Int32, Int32) -> Int32 = { value, _, _ in
            value?.pointee = 7
            return 0
        }
        let driver = try CUDADriver { name in
            name == "cuDeviceGetAttribute"
                ? unsafeBitCast(attribute, to: UnsafeMutableRawPointer.self) : ud2m_testdriver_resolve(name)
        }
        #expect(try driver.devices().allSatisfy { !$0.isSupported })
        for ordinal in [nil, 0] {
            let error = unavailable { try driver.device(ordinal) }
            #expect(error?.message.contains("7.7") == true)
        }
    }

    @Test(.enabled(if: TestDevice.isAvailable)) func tooMuchMemoryIsRefusedWithTheSizes() throws {
        let context = try TestDevice.context()
        let error = #expect(throws: UD2MError.self) {
            try context.run { _ = try CUDABuffer(3 * TestDevice.memory, on: context, for: "Others") }
        }
        #expect(error?.code == .memoryExhausted)
        #expect(error?.message.contains("3072 MiB") == true)
        #expect(error?.message.contains("1024 MiB") == true)
    }

    /// A fault of a kernel reaches the caller as an error, and what is freed afterwards does no harm.
    @Test(.enabled(if: TestDevice.isAvailable)) func aFaultIsAnError() throws {
        // Nothing arrives, so the first kernel reads memory that was never written.
        let copy: @convention(c) (UInt64, UnsafeRawPointer?, Int, OpaquePointer?) -> Int32 = { _, _, _, _ in 0 }
        let driver = try CUDADriver { name in
            name == "cuMemcpyHtoDAsync_v2"
                ? unsafeBitCast(copy, to: UnsafeMutableRawPointer.self) : ud2m_testdriver_resolve(name)
        }
        let adm = ADMCase.all[0]
        let network = try CUDANetwork(
            store: TestDevice.store(.adm(adm.configuration), adm.weights()), device: driver.device(TestDevice.fragile),
            element: .f16)
        let error = #expect(throws: UD2MError.self) { try network.run(adm.inputs(adm.golden())) }
        #expect(error?.code == .cudaFailed)
        #expect(error?.message.contains("CUDA_ERROR") == true)
        // A self-test notices that nothing can follow.
        #expect(try !CUDASelfTest(driver.device(TestDevice.fragile)).isAlive)
        #expect(try CUDASelfTest(TestDevice.device()).isAlive)
    }
}
