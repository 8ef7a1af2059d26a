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
    /// - Parameters:
    ///   - observation: The observation. Its pixels tell it apart from others, so that no two images of a run have the same
    ///     noise, and none depends on where its file lies or what else is restored.
    ///   - steps: The run's diffusion steps.
    ///   - iterations: The iterations of each.
    /// - Returns: A source of its own, as PyTorch's generator moves on with every draw.
    /// - Throws: ``UD2MFormats/UD2MError`` for a tape that cannot be read.
    func source(observation: Tensor, steps: Int, iterations: Int) throws -> any NoiseSource {
        if let tape { return try NoiseTape(path: tape, steps: steps, iterations: iterations) }
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
    /// Reads a tape: a safetensors file with the draws under their names, or under `noise/` and their numbers as a program
    /// made them that works as the paper's code does. Other tensors are left alone.
    /// - Throws: ``UD2MFormats/UD2MError`` from reading it, and as ``init(inOrder:steps:iterations:)``.
    init(path: String, steps: Int, iterations: Int) throws {
        let file = try SafetensorsFile(path: path)
        func number(_ entry: SafetensorsFile.Entry) -> Int? {
            let name = entry.name.text
            return name.hasPrefix("noise/") ? Int(name.dropFirst("noise/".count)) : nil
        }
        let numbered = file.entries.compactMap { entry in number(entry).map { (number: $0, entry: entry) } }
            .sorted { $0.number < $1.number }
        do {
            if numbered.isEmpty {
                var draws: [String: Tensor] = [:]
                for entry in file.entries where entry.name.text.hasPrefix("sample") {
                    draws[entry.name.text] = try Tensor(entry, of: file)
                }
                self.init(draws: draws, file: path)
            } else {
                try self.init(
                    inOrder: try numbered.map { try Tensor($0.entry, of: file) }, steps: steps,
                    iterations: iterations,
                    file: path)
            }
        } catch let error as UD2MError {
            throw error.located(in: .init(file: path))
        }
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
