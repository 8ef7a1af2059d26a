import CUD2MCUDADriver
import Foundation
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// The devices of the driver that interprets kernels on the CPU.
enum TestDevice {
    /// Bytes of every device's memory.
    static let memory = TestDriverSettings.memory
    /// The device that tests may fill up, and the one that they may break: what happens there stays there.
    static let (small, fragile) = (1, 2)

    private static let loaded = Result {
        TestDriverSettings.apply()
        return try CUDADriver { name in ud2m_testdriver_resolve(name) }
    }

    /// The driver, linked into the tests.
    static func driver() throws -> CUDADriver { try loaded.get() }

    /// Whether the processor can run the interpreter.
    static var isAvailable: Bool { (try? driver()) != nil }

    /// A device by its number.
    static func device(_ ordinal: Int = 0) throws -> CUDADevice { try driver().device(ordinal) }

    /// The context that tests share, so that kernels are read once.
    static func context() throws -> CUDAContext { try shared.get() }

    private static let shared = Result { try CUDAContext(device()) }

    /// A store of some weights, open after its file has gone.
    static func store(_ architecture: ArchitectureConfiguration?, _ weights: [TensorInput]) throws -> WeightStore {
        let folder = try TemporaryDirectory()
        let path = folder.path("weights.ud2w")
        let writer = try WeightStoreWriter(tensors: weights, information: StoreMetadata(architecture: architecture))
        _ = try writer.write(to: path)
        return try withExtendedLifetime(folder) { try WeightStore(path: path) }
    }

    /// The network of a store on the CPU and on a device.
    static func networks(
        _ store: WeightStore, _ element: DeviceElement = .f32, merging adapters: [AdapterSelection] = []
    ) throws -> (host: Network, device: CUDANetwork) {
        guard let architecture = store.architecture else { throw UD2MError(.networkConfiguration, "No architecture.") }
        return (
            try Network(store: store, threads: 2, merging: adapters),
            try CUDANetwork(
                store: store, architecture: architecture, context: context(), element: element, merging: adapters)
        )
    }
}

/// The largest difference of two tensors by the larger of 1 and the largest value of the second; infinite when their
/// shapes differ.
func relativeDifference(_ left: Tensor?, _ right: Tensor?) -> Float {
    guard let left, let right, left.shape == right.shape else { return .infinity }
    let scale = right.values.reduce(1) { max($0, abs($1)) }
    return largestDifference(left.values, right.values) / scale
}
