import UD2MFormats
import UD2MRuntime

/// Compares what a sampler computes on a device between two runs of its network with what it computes on the CPU.
package struct SamplerSelfTest {
    /// Something that both compute. Its numbers are float32.
    package struct Case: Sendable {
        /// What it is about.
        package let name: String
        /// How far the device may be from the CPU: the largest difference over the largest value.
        package let bound: Double
        let onHost: @Sendable () throws -> Tensor
        let onDevice: @Sendable (DeviceArithmetic) throws -> Tensor
    }

    private let arithmetic: DeviceArithmetic

    /// Uses the device of another self-test.
    /// - Throws: `cuda-failed`, `memory-exhausted`.
    package init(_ test: CUDASelfTest) throws { arithmetic = try DeviceArithmetic(test.context) }

    /// Runs a case on the CPU and on the device. What goes wrong is part of the outcome.
    /// - Throws: `memory-exhausted`.
    package func run(_ test: Case) throws -> CUDASelfTest.Outcome {
        let arithmetic = arithmetic
        return try CUDASelfTest.outcome { (try test.onHost(), { try test.onDevice(arithmetic) }) }
    }

    /// The kernels that the cases launched so far.
    package var launched: Set<String> { get throws { try arithmetic.launched } }
}
