import Foundation
import UD2MFormats
import UD2MTestSupport

/// A checkpoint as UD2M's training saves it, optimisers and all, around the adapter of `lora/ud2m.ckpt`.
enum RunCheckpoint {
    /// The trained numbers of the sampler in it.
    static let scalars: [(String, Float)] = [
        ("SP_Param.0", 0.25), ("LambdaSIG.0", -0.5), ("TAUG.0", 0.125), ("TLAT.0", -0.0625),
    ]

    /// Writes the checkpoint.
    /// - Parameters:
    ///   - hasRAM: Whether the weights of the small RAM network of the tests are in it; else that part is empty.
    ///   - omittedRAM: Names of RAM's tensors to leave out.
    ///   - omittedScalars: Names of trained numbers to leave out.
    ///   - path: Where to.
    /// - Throws: What reading the adapter or writing throws.
    static func write(
        hasRAM: Bool = true, omittedRAM: Set<String> = [], omittedScalars: Set<String> = [], to path: String
    ) throws {
        let adapter =
            try Checkpoint.open(path: ToolTest.fixture("lora/ud2m.ckpt")).stateDicts
            .first { $0.path == ["state_dict"] }?.tensors ?? []
        let parts = try adapter.map { (name: $0.name.text, shape: $0.shape, values: try $0.floats()) }
        let ram =
            !hasRAM
            ? []
            : RAMWeights.entries().filter { !omittedRAM.contains($0.name) }.map {
                (name: $0.name, shape: $0.shape, values: RAMWeights.values($0))
            }
        let numbers = scalars.filter { !omittedScalars.contains($0.0) }.map {
            (name: $0.0, shape: [Int](), values: [$0.1])
        }
        var writer = Writer()
        writer.pickle.op(.emptyDict)
        writer.pickle.text("epoch").int(10).op(.setItem)
        writer.stateDict("state_dict", parts)
        writer.pickle.text("optimizer_states").op(.emptyList).op(.emptyDict)
        writer.stateDict("state", [("exp_avg", [2, 3], [1, 2, 3, 4, 5, 6])])
        writer.pickle.op(.append).op(.setItem)
        writer.stateDict(
            "HQS_state_dict", parts.map { ("model." + $0.name, $0.shape, $0.values) } + numbers)
        writer.stateDict("RAM_state_dict", ram)
        writer.stateDict("Discriminator_state_dict", [("dense_layer.1.bias", [1], [0.5])])
        try Data(TorchArchive(pickle: writer.pickle.stopped, storages: writer.storages).zip.build()).write(
            to: URL(filePath: path))
    }

    private struct Writer {
        let pickle = PickleAssembler()
        var storages: [String: [UInt8]] = [:]

        /// Sets a mapping of tensors under a key of the mapping that is being built.
        mutating func stateDict(_ key: String, _ tensors: [(name: String, shape: [Int], values: [Float])]) {
            pickle.text(key).op(.emptyDict)
            for tensor in tensors {
                let storage = "\(storages.count)"
                storages[storage] = TorchArchive.floats(tensor.values)
                pickle.text(tensor.name).tensor(
                    storage, count: tensor.values.count, shape: tensor.shape,
                    strides: TensorSource.denseStrides(tensor.shape)
                ).op(.setItem)
            }
            pickle.op(.setItem)
        }
    }
}
