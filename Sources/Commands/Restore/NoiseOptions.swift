import ArgumentParser
import UD2MFormats
import UD2MRuntime
import UD2MSampler

/// Where random numbers come from.
struct NoiseOptions: ParsableArguments {
    /// The generators.
    enum Generator: String, Codable, ExpressibleByArgument, CaseIterable {
        /// Computed from seed, sample and place alone.
        case philox
        /// PyTorch's CPU generator, in the order of the published code.
        case torch
    }

    @Option(
        help: """
            Seed of the random numbers, which follow from it and the observation's pixels: the same seed gives the same \
            image on any number of threads, in any batch, whatever else is restored and wherever the file lies. 0 by default.
            """)
    var seed: UInt64?

    @Option(
        help: """
            philox (unless given), or torch: PyTorch's own numbers in the order of the published code, which draws the observation's \
            noise first.
            """)
    var rng: Generator?

    @Option(
        name: .customLong("noise-tape"),
        help: ArgumentHelp("Take recorded noise instead of a generator's.", valueName: "safetensors"))
    var tape: String?

    @Option(
        name: .customLong("record-noise"),
        help: ArgumentHelp("Write the noise that is used, for --noise-tape.", valueName: "safetensors"))
    var record: String?

    func validate() throws {
        let owner = "a generator, not to --noise-tape"
        try FlagRule.check([
            .init("--seed", given: seed != nil, applies: tape == nil, owner: owner),
            .init("--rng", given: rng != nil, applies: tape == nil, owner: owner),
        ])
    }

    /// What a report calls the source.
    var sourceName: String { tape == nil ? (rng ?? .philox).rawValue : "tape" }

    /// The noise of one image.
    /// - Parameter observation: The observation. Its pixels tell it apart from others, so that no two images of a run have
    ///   the same noise, and none depends on where its file lies or what else is restored.
    /// - Returns: A source of its own, as PyTorch's generator moves on with every draw.
    /// - Throws: ``UD2MFormats/UD2MError`` for a tape that cannot be read.
    func source(observation: Tensor) throws -> any NoiseSource {
        if let tape { return try NoiseTape(path: tape) }
        let seed = seed ?? 0
        switch rng ?? .philox {
        case .philox:
            let item = observation.values.withUnsafeBytes { XXHash64.value($0) }
            return PhiloxNoise(seed: seed, item: item)
        case .torch: return TorchNoise(seed: seed, skippingMeasurement: observation.shape)
        }
    }
}

extension NoiseTape {
    /// Reads a tape: a safetensors file with the draws under their names.
    /// - Throws: ``UD2MFormats/UD2MError`` from reading it.
    init(path: String) throws {
        let file = try SafetensorsFile(path: path)
        var draws: [String: Tensor] = [:]
        for entry in file.entries { draws[entry.name.text] = try Tensor(entry, of: file) }
        self.init(draws: draws)
    }

    /// Writes a tape.
    /// - Throws: ``UD2MFormats/UD2MError`` with an `output-…` code.
    func write(to path: String, overwrite: Bool, inputs: [String]) throws {
        try SafetensorsFile.write(
            to: path,
            tensors: draws.sorted { $0.key < $1.key }.map { name, tensor in
                TensorInput(name: TensorName(name), shape: tensor.shape, floats: tensor.values)
            }, overwrite: overwrite, inputs: inputs)
    }
}
