import Testing
import UD2MFormats
import UD2MRuntime
import UD2MTestSupport

/// A small ADM network with reference inputs and outputs (`goldens.md` §11).
struct ADMCase: Sendable, CustomTestStringConvertible {
    /// The name of the fixture, which is also the key of its weights.
    let name: String
    /// Its configuration, as the fixture's metadata gives it.
    let configuration: ADMConfiguration

    var testDescription: String { name }

    /// All seven networks.
    static let all = [
        ADMCase("adm_a"),
        ADMCase("adm_b", attentionLevels: [0, 1], heads: .channels(8), order: .new, classes: 10),
        ADMCase("adm_c", heads: .count(4), classes: 10),
        ADMCase(
            "adm_d_superres", levels: [32], attentionLevels: [0], heads: .count(4), classes: 10,
            isSuperResolution: true),
        ADMCase("adm_e_half", modelChannels: 64, levels: [32], outputs: 3, attentionLevels: [0]),
        ADMCase("adm_f_mnist", channels: 1, outputs: 1, heads: .count(4), resampling: .convolution),
        ADMCase(
            "adm_g_noscale_avgpool", levels: [32, 64], outputs: 3, heads: .count(2), usesScaleShift: false,
            resampling: .pooling),
    ]

    init(
        _ name: String, channels: Int = 3, modelChannels: Int = 16, levels: [Int] = [32, 32], outputs: Int = 6,
        attentionLevels: [Int] = [1], heads: ADMConfiguration.Heads = .channels(16),
        order: ADMConfiguration.AttentionOrder = .legacy, classes: Int? = nil, usesScaleShift: Bool = true,
        resampling: ADMConfiguration.Resampling = .residualBlock, isSuperResolution: Bool = false
    ) {
        self.name = name
        configuration = ADMConfiguration(
            imageChannels: channels, inputChannels: isSuperResolution ? 2 * channels : channels,
            outputChannels: outputs, modelChannels: modelChannels, levelChannels: levels, residualBlocks: 1,
            attentionLevels: attentionLevels, heads: heads, attentionOrder: order,
            usesScaleShift: usesScaleShift, resampling: resampling, classCount: classes,
            isSuperResolution: isSuperResolution)
    }

    /// The reference tensors.
    func golden() throws -> Golden { try Golden("adm/\(name).io.safetensors") }

    /// The reference inputs.
    func inputs(_ golden: Golden) throws -> [String: Tensor] {
        var inputs: [String: Tensor] = [:]
        for name in ["x", "t", "y", "low_res"] {
            guard let entry = golden.tensors[name] else { continue }
            inputs[name] = try Tensor(shape: entry.shape, values: entry.values)
        }
        return inputs
    }

    /// Every weight of the network, ready to be written.
    func weights(isMixedPrecision: Bool = false) throws -> [TensorInput] {
        try Network.requiredWeights(.adm(configuration)).map { weight in
            let floats = PortableWeights.weight(case: name, tensor: weight.name, shape: weight.shape)
            guard isMixedPrecision, PortableWeights.isHalfInMixedCheckpoint(weight.name) else {
                return TensorInput(name: TensorName(weight.name), shape: weight.shape, floats: floats)
            }
            let bytes = PortableWeights.halfBytes(floats)
            return TensorInput(name: TensorName(weight.name), elementType: .f16, shape: weight.shape) { body in
                try bytes.withUnsafeBytes(body)
            }
        }
    }

    /// The network with its portable weights, written to a temporary store and loaded from it.
    func network(
        threads: Int = 2, isMixedPrecision: Bool = false, precision: Precision = .standard,
        algorithms: AlgorithmTable? = nil
    ) throws -> Network {
        try load(
            weights(isMixedPrecision: isMixedPrecision), threads: threads, precision: precision, algorithms: algorithms)
    }

    /// The network with the given weights.
    func load(
        _ weights: [TensorInput], threads: Int = 1, precision: Precision = .standard, algorithms: AlgorithmTable? = nil
    ) throws -> Network {
        let folder = try TemporaryDirectory()
        let path = folder.path("weights.ud2w")
        let writer = try WeightStoreWriter(
            tensors: weights, information: StoreMetadata(architecture: .adm(configuration)))
        _ = try writer.write(to: path)
        // Weights are packed on load, so the folder may go.
        return try withExtendedLifetime(folder) {
            try Network(
                store: WeightStore(path: path), threads: threads, precision: precision, algorithms: algorithms)
        }
    }
}

/// The largest absolute difference of two lists, infinite when their lengths differ or a value is not a number.
func largestDifference(_ left: some Collection<Float>, _ right: some Collection<Float>) -> Float {
    guard left.count == right.count else { return .infinity }
    return zip(left, right).reduce(0) { worst, pair in
        let difference = abs(pair.0 - pair.1)
        return difference.isNaN ? .infinity : max(worst, difference)
    }
}
