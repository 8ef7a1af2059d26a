import ArgumentParser
import UD2MFormats
import UD2MRuntime
import UD2MSampler

/// What a RAM network is told besides the observation.
struct RestorationFlags: ParsableArguments {
    @Option(
        name: .customLong("operator"),
        help: ArgumentHelp("RAM: the operator file of ud2m degrade; none means plain noise.", valueName: "json"))
    var operatorFile: String?

    @Option(help: "RAM: standard deviation of Gaussian noise, in units of the image range [0, 1].")
    var sigma: Double?

    @Option(help: "RAM: gain of Poisson noise.")
    var gain: Double?

    @Option(help: "RAM: whose semantics, original or deepinv; the store's unless given.")
    var flavour: RAMConfiguration.Flavour?

    mutating func validate() throws {
        for (name, level) in [("--sigma", sigma), ("--gain", gain)] {
            guard let level else { continue }
            guard level.isFinite, level >= 0 else { throw ValidationError("\(name) must be finite and not negative.") }
        }
    }

    /// The first of these flags that was given.
    var firstFlag: String? {
        let flags = [
            ("--operator", operatorFile != nil), ("--sigma", sigma != nil), ("--gain", gain != nil),
            ("--flavour", flavour != nil),
        ]
        return flags.first { $0.1 }?.0
    }

    /// What there is to restore from: the tensors of a safetensors file, through the operator of a factory.
    /// - Throws: ``UD2MFormats/UD2MError``: `input-missing`, `input-shape`, and what the operator says of its parameters.
    func problem(input: String, _ factory: OperatorFactory?) throws -> RAMProblem {
        let file = try SafetensorsFile(path: input)
        func tensor(_ name: String) throws -> Tensor? {
            try file.entries.first { $0.name.text == name }.map { try Tensor($0, of: file) }
        }
        let location = UD2MError.Location(file: input, tensor: "y")
        guard let observation = try tensor("y") else {
            throw UD2MError(.inputMissing, "The network needs this input.", at: location)
        }
        guard observation.shape.count == 4, observation.shape.allSatisfy({ $0 > 0 }) else {
            throw UD2MError(
                .inputShape, "The shape is \(observation.shape); it must be [N, C, H, W].", at: location)
        }
        let size =
            try factory?.imageSize(height: observation.shape[2], width: observation.shape[3])
            ?? (height: observation.shape[2], width: observation.shape[3])
        // Before the operator takes memory for images of this size.
        guard max(size.height, size.width) <= Network.maximumSide else {
            throw UD2MError(
                .inputShape,
                "The image would have \(size.width)×\(size.height) pixels; a side has at most "
                    + "\(Network.maximumSide).", at: location)
        }
        let measurement: any LinearMeasurement =
            try factory?.make(height: size.height, width: size.width) ?? IdentityMeasurement()
        let known = factory.map { RAMNoiseLevel.uniform($0.specification.sigma) }
        return RAMProblem(
            observation: observation, through: measurement,
            sigma: try level(sigma, tensor("sigma")) ?? known,
            gain: try level(gain, tensor("gain")))
    }

    /// A noise level from a flag, or else from a tensor.
    private func level(_ flag: Double?, _ tensor: Tensor?) -> RAMNoiseLevel? {
        if let flag { return .uniform(flag) }
        guard let tensor else { return nil }
        switch tensor.shape.count {
        case 4: return .map(tensor)
        case 0...1 where tensor.values.count == 1: return .uniform(Double(tensor.values[0]))
        default: return .perImage(tensor.values.map { Double($0) })
        }
    }
}
