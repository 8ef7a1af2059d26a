import Foundation
import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// Adapters for the small networks of the fixtures.
enum AdapterCase {
    /// The network that `lora/ud2m.ckpt` was trained on.
    static let adm = ADMCase.all[0]

    /// UD2M's factors of every attention layer and its final layer, from its training checkpoint (`adapters.md` §9).
    static func ud2m() throws -> NetworkAdapter {
        let path = RepositoryPaths.fixtures.appending(path: "lora/ud2m.ckpt").path(percentEncoded: false)
        let stateDict = try #require(
            try Checkpoint.open(path: path).stateDicts.first { $0.displayPath == "state_dict" })
        let tensors = Dictionary(uniqueKeysWithValues: stateDict.tensors.map { ($0.name.text, $0) })
        var changes: [String: WeightChange] = [:]
        for (name, tensor) in tensors {
            guard let dot = name.range(of: ".parametrizations.weight.0.lora_A") else {
                if !name.hasSuffix("lora_B") { changes[name] = .replacement(try tensor.tensor()) }
                continue
            }
            let module = name[..<dot.lowerBound]
            let down = try #require(tensors[name.dropLast() + "B"]).tensor()
            changes["\(module).weight"] = .lowRank(
                up: try tensor.tensor(), down: down, scale: 1.5 / Double(down.shape[0]))
        }
        #expect(changes.count == 12)
        return try NetworkAdapter(changes: changes)
    }

    /// An adapter of portable numbers: factors of the given rank for some layers of ``adm``, and changes of whole tensors.
    static func made(
        _ key: String, rank: Int, layers: [String], whole: [String: WeightChange] = [:]
    ) throws -> NetworkAdapter {
        let shapes = Dictionary(
            uniqueKeysWithValues: try Network.requiredWeights(.adm(adm.configuration)).map { ($0.name, $0.shape) })
        var changes = whole
        for layer in layers {
            let shape = try #require(shapes[layer])
            changes[layer] = .lowRank(
                up: try numbers("\(key):\(layer).up", [shape[0], rank]),
                down: try numbers("\(key):\(layer).down", [rank, shape.dropFirst().reduce(1, *)]), scale: 0.5)
        }
        return try NetworkAdapter(changes: changes)
    }

    /// A tensor of portable numbers.
    static func numbers(_ name: String, _ shape: [Int]) throws -> Tensor {
        try Tensor(shape: shape, values: PortableWeights.weight(case: "adapter", tensor: name, shape: shape))
    }

    static let attention = ["middle_block.1.qkv.weight", "middle_block.1.proj_out.weight"]
    /// Layers of every kind: 3×3 kernels with a residual, a 1×1 kernel that reads a concatenation, an enlarging block and
    /// linear layers.
    static let everyKind =
        attention + [
            "input_blocks.0.0.weight", "input_blocks.1.0.in_layers.2.weight", "input_blocks.1.0.out_layers.3.weight",
            "output_blocks.0.0.skip_connection.weight", "output_blocks.1.2.in_layers.2.weight",
            "output_blocks.1.2.out_layers.3.weight", "input_blocks.1.0.emb_layers.1.weight", "time_embed.0.weight",
        ]
}

extension TensorSource {
    /// All elements.
    fileprivate func tensor() throws -> Tensor {
        var values: [Float] = []
        try stream(as: .f32) { bytes in
            for offset in stride(from: 0, to: bytes.count, by: 4) {
                values.append(bytes.loadUnaligned(fromByteOffset: offset, as: Float.self))
            }
        }
        return try Tensor(shape: shape, values: values)
    }
}
