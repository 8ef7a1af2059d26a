import UD2MFormats
import UD2MRuntime

/// The work of `ud2m forward`.
struct ForwardRun {
    /// The result (`schemas/forward.schema.json`).
    struct Report: Encodable {
        struct Output: Encodable {
            let name: String
            let shape: [Int]
        }

        let tool = "ud2m forward"
        let version = Version.current
        let store: String
        let output: String
        let outputs: [Output]
        let milliseconds: Double
    }

    let store: String
    let input: String
    let output: String
    let taps: [String]
    let threads: Int
    let overwrite: Bool

    /// Runs the network once and writes `out` and the taps.
    /// - Throws: ``UD2MFormats/UD2MError`` for bad files, missing inputs, and an existing output.
    func execute() throws -> Report {
        try OutputFile.requireWritable(output, overwrite: overwrite, inputs: [store, input])
        let network = try Network(store: StoreInput.open(store), threads: threads)
        let inputs = try readInputs(of: network)
        // Taps may be spelled as the tensors of a golden file, with a leading "act/".
        let modules = taps.map { $0.hasPrefix("act/") ? String($0.dropFirst(4)) : $0 }
        let start = ContinuousClock.now
        let results = try run(network, inputs, taps: modules)
        let elapsed = ContinuousClock.now - start

        let named = [("out", "out")] + zip(taps, modules).map { ($0, $1) }
        let tensors = try named.map { name, module -> (String, Tensor) in
            guard let tensor = results[module] else {
                throw UD2MError(.outputMissing, "The network gave no \(module).")
            }
            return (name, tensor)
        }
        try SafetensorsFile.write(
            to: output, tensors: tensors.map { TensorInput(name: TensorName($0), shape: $1.shape, floats: $1.values) },
            overwrite: overwrite, inputs: [store, input])
        return Report(
            store: store, output: output, outputs: tensors.map { .init(name: $0, shape: $1.shape) },
            milliseconds: elapsed.milliseconds)
    }

    /// Runs the network; what is wrong with an input is said with the input file's name.
    private func run(_ network: Network, _ inputs: [String: Tensor], taps: [String]) throws -> [String: Tensor] {
        do {
            return try network.run(inputs, taps: taps)
        } catch let error as UD2MError {
            throw error.located(in: .init(file: input))
        }
    }

    private func readInputs(of network: Network) throws -> [String: Tensor] {
        let file = try SafetensorsFile(path: input)
        var inputs: [String: Tensor] = [:]
        for entry in file.entries where network.inputs.contains(where: { $0.name == entry.name.text }) {
            inputs[entry.name.text] = try Tensor(entry, of: file)
        }
        return inputs
    }
}

extension UD2MError.Code {
    /// A network did not deliver an output it promised.
    static let outputMissing = UD2MError.Code("output-missing", .internalBug)
}

extension Duration {
    /// The duration in milliseconds, to the microsecond.
    var milliseconds: Double {
        let seconds = Double(components.seconds) + Double(components.attoseconds) * 1e-18
        return (seconds * 1e6).rounded() / 1e3
    }
}
