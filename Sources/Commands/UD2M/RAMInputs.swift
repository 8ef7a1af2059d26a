import UD2MFormats
import UD2MRuntime
import UD2MSampler

/// What a RAM network restores images from: the tensors of a safetensors file, seen through operators.
struct RAMInputs {
    private let file: InputTensors
    private let factories: [OperatorFactory]
    private let flags: RestorationFlags

    init(file: InputTensors, factories: [OperatorFactory], flags: RestorationFlags) {
        self.file = file
        self.factories = factories
        self.flags = flags
    }

    /// The problem that the network is given.
    /// - Throws: ``UD2MFormats/UD2MError``: `input-missing`, `input-shape`, `restoration-flag`, and what an operator says of
    ///   its parameters.
    func problem() throws -> RAMProblem {
        let sigma = try level(flags.sigma, "sigma")
        let gain = try level(flags.gain, "gain")
        guard !factories.isEmpty else {
            return RAMProblem(observation: try observation("y"), sigma: sigma, gain: gain)
        }
        let names = factories.count == 1 ? ["y"] : factories.indices.map { "y.\($0)" }
        var observations = try names.map(observation)
        let sizes = try zip(zip(names, observations), factories).map { try imageSize($0.0, $0.1, $1) }
        for (name, size) in zip(names, sizes) where size != sizes[0] {
            throw error(
                name,
                "It shows images of \(size.width)×\(size.height) pixels, and \(names[0]) of "
                    + "\(sizes[0].width)×\(sizes[0].height).")
        }
        var measurements: [any LinearMeasurement] = try zip(factories, sizes).map {
            try $0.makeLinear(height: $1.height, width: $1.width)
        }
        if let sigma {
            return RAMProblem(observations: observations, through: measurements, sigma: sigma, gain: gain)
        }
        // A stack has one noise level: what is noisier is scaled down to the level of the cleanest.
        let levels = factories.map(\.specification.sigma)
        let least = levels.min() ?? 0
        for (index, level) in levels.enumerated() where level != least {
            guard gain == nil else {
                throw UD2MError(
                    .restorationFlag, "With a gain, operators whose noise levels differ are no stack.",
                    remedy: "Pass --sigma.")
            }
            observations[index] = try Tensor(
                shape: observations[index].shape, values: observations[index].values.map { $0 * Float(least / level) })
            measurements[index] = ScaledMeasurement(measurements[index], by: least / level)
        }
        return RAMProblem(observations: observations, through: measurements, sigma: .uniform(least), gain: gain)
    }

    private struct Size: Equatable {
        let height: Int
        let width: Int
    }

    private func observation(_ name: String) throws -> Tensor {
        let tensor = try file.require(name)
        guard tensor.shape.count == 4, tensor.shape.allSatisfy({ $0 > 0 }) else {
            throw error(name, "The shape is \(tensor.shape); it must be [N, C, H, W].")
        }
        return tensor
    }

    /// The size of the images that an observation belongs to, checked before an operator takes memory for it.
    private func imageSize(_ name: String, _ observation: Tensor, _ factory: OperatorFactory) throws -> Size {
        let size = try factory.imageSize(height: observation.shape[2], width: observation.shape[3])
        guard max(size.height, size.width) <= Network.maximumSide else {
            throw error(
                name,
                "The image would have \(size.width)×\(size.height) pixels; a side has at most "
                    + "\(Network.maximumSide).")
        }
        return Size(height: size.height, width: size.width)
    }

    /// A noise level from a flag, or else from a tensor.
    private func level(_ flag: Double?, _ name: String) throws -> RAMNoiseLevel? {
        if let flag { return .uniform(flag) }
        guard let tensor = try file.tensor(name) else { return nil }
        switch tensor.shape.count {
        case 4: return .map(tensor)
        case 0...1 where tensor.values.count == 1: return .uniform(Double(tensor.values[0]))
        default: return .perImage(tensor.values.map { Double($0) })
        }
    }

    private func error(_ name: String, _ message: String) -> UD2MError {
        UD2MError(.inputShape, message, at: .init(file: file.path, tensor: name))
    }
}
