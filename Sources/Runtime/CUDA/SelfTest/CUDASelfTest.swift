import CUD2MCUDA
import UD2MFormats

/// Compares a device with the CPU, case by case.
package struct CUDASelfTest {
    /// What came of one case in one type of elements.
    package struct Outcome: Sendable {
        /// The largest difference over the largest value of the CPU; nil where it is no number or the case broke off.
        package var error: Double?
        /// Of the second run on the device, with its copies.
        package var seconds: Double?
        /// Why the case broke off.
        package var failure: String?

        init(error: Double? = nil, seconds: Double? = nil, failure: String? = nil) {
            (self.error, self.seconds, self.failure) = (error, seconds, failure)
        }

        package func passes(_ bound: Double) -> Bool { error.map { $0 <= bound } ?? false }
    }

    package let context: CUDAContext

    /// Opens a device, and libraries that compute layers on it.
    /// - Throws: `cuda-failed`, `memory-exhausted`; `instruction-set` for a bad `UD2M_ISA`, with which nothing could be
    ///   compared.
    package init(_ device: CUDADevice, accelerators: AcceleratorLibraries = .none) throws {
        try InstructionSet.requireWanted()
        context = try CUDAContext(device, accelerators: accelerators)
    }

    /// What came of the layers that libraries were to compute.
    package var acceleratorUses: [AcceleratorUse] { context.acceleratorUses }

    /// Whether the device still answers: after a fault it does nothing more for this process.
    package var isAlive: Bool { (try? context.run { try CUDAStream(context).synchronize() }) != nil }

    /// How far a device may be from the CPU: about ten times what the interpreter of the tests is, which is what some layers
    /// make of the elements' rounding, and far less than a mistake in a term.
    package static func bound(_ element: DeviceElement) -> Double {
        switch element {
        // Sums in another order, rounded at 6·10⁻⁸.
        case .f32: 1e-5
        // Maps and weights rounded at 4.9·10⁻⁴.
        case .f16: 1e-2
        // Rounded at 3.9·10⁻³.
        case .bf16: 6e-2
        }
    }

    /// Runs a case on the CPU and on the device; `store` holds its weights. What goes wrong is part of the outcome.
    /// - Throws: `memory-exhausted`.
    package func run(
        _ test: SelfTestCase, _ store: WeightStore, _ element: DeviceElement, threads: Int
    ) throws -> Outcome {
        try Self.outcome {
            let expected = try test.expected ?? test.onHost(store, threads: threads).run(test.inputs)["out"]
            let network = try test.onDevice(store, context, element)
            return (expected, { try network.run(test.inputs)["out"] })
        }
    }

    /// Compares what a device computes, twice, with what the CPU does. `prepare` gives the CPU's numbers, and what makes
    /// those of the device; what it throws is part of the outcome.
    /// - Throws: `memory-exhausted`: a device that others have filled proves nothing about what it computes.
    package static func outcome(
        _ prepare: () throws -> (expected: Tensor?, onDevice: () throws -> Tensor?)
    ) throws -> Outcome {
        do {
            let (expected, onDevice) = try prepare()
            // The first run compiles the kernels, and records those of a network as a graph; the second starts that.
            let first = try onDevice()
            let start = ContinuousClock.now
            let second = try onDevice()
            let seconds = (ContinuousClock.now - start).seconds
            guard first == second else {
                return Outcome(seconds: seconds, failure: "Two runs gave different numbers.")
            }
            return Outcome(error: distance(second, from: expected), seconds: seconds)
        } catch let error as UD2MError where error.code == .memoryExhausted {
            throw error
        } catch let error as UD2MError {
            // What to do is what the reader of the report does already.
            return Outcome(failure: error.message)
        } catch {
            return Outcome(failure: "\(error)")
        }
    }

    /// The names of all kernels in the program but those that finish what libraries multiply, which are launched with a
    /// library only.
    package static var kernels: Set<String> {
        var names: Set<String> = []
        var index: Int32 = 0
        while let kernel = ud2m_cuda_kernel_at(index)?.pointee {
            let name = String(cString: kernel.name)
            if !name.hasPrefix("conv_epilogue") { names.insert(name) }
            index += 1
        }
        return names
    }

    /// The largest difference over the largest value; nil for other shapes and where something is no number.
    static func distance(_ found: Tensor?, from expected: Tensor?) -> Double? {
        guard let found, let expected, found.shape == expected.shape else { return nil }
        var (difference, largest) = (0.0, 0.0)
        for (left, right) in zip(found.values, expected.values) {
            guard left.isFinite, right.isFinite else { return nil }
            difference = max(difference, Double(abs(left - right)))
            largest = max(largest, Double(abs(right)))
        }
        return largest > 0 ? difference / largest : difference
    }
}
