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
    let restoration: RestorationFlags
    let compute: ComputeOptions
    let overwrite: Bool

    /// Runs the network once and writes `out` and the taps.
    /// - Throws: ``UD2MFormats/UD2MError`` for bad files, missing inputs, and an existing output.
    func execute() throws -> Report {
        let factories = try restoration.operatorFiles.map { try OperatorFactory(file: $0) }
        let inputFiles = [store, input] + factories.flatMap(\.files)
        try OutputFile.requireWritable(output, overwrite: overwrite, inputs: inputFiles)
        let weights = try StoreInput.open(store)
        let run = try prepare(weights, factories)
        // Taps may be spelled as the tensors of a golden file, with a leading "act/".
        let modules = taps.map { $0.hasPrefix("act/") ? String($0.dropFirst(4)) : $0 }
        let start = ContinuousClock.now
        let results = try located { try run(modules) }
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
            overwrite: overwrite, inputs: inputFiles)
        return Report(
            store: store, output: output, outputs: tensors.map { .init(name: $0, shape: $1.shape) },
            milliseconds: elapsed.milliseconds)
    }

    /// Loads the network and reads its inputs; the result runs it once and gives `out` and the taps.
    private func prepare(
        _ weights: WeightStore, _ factories: [OperatorFactory]
    ) throws -> (_ taps: [String]) throws -> [String: Tensor] {
        if case .ram = weights.architecture {
            let network = try RAMNetwork(store: weights, threads: compute.threads, precision: compute.precision)
            let problem = try RAMInputs(
                file: InputTensors(path: input), factories: factories, flags: restoration
            ).problem()
            return { try network.run(problem, flavour: restoration.flavour, taps: $0) }
        }
        if let flag = restoration.firstFlag {
            throw UD2MError(
                .restorationFlag, "\(flag) is for RAM networks, and this is another one.", at: .init(file: store))
        }
        let network = try Network(store: weights, threads: compute.threads, precision: compute.precision)
        let inputs = try readInputs(of: network)
        return { try network.run(inputs, taps: $0) }
    }

    /// Says what is wrong with an input with the input file's name.
    private func located<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as UD2MError {
            throw error.located(in: .init(file: input))
        }
    }

    private func readInputs(of network: Network) throws -> [String: Tensor] {
        let file = try InputTensors(path: input)
        var inputs: [String: Tensor] = [:]
        for name in network.inputs.map(\.name) { inputs[name] = try file.require(name) }
        return inputs
    }
}

extension UD2MError.Code {
    /// A network did not deliver an output it promised.
    static let outputMissing = UD2MError.Code("output-missing", .internalBug)
    /// An option of one family of networks was given for another.
    static let restorationFlag = UD2MError.Code("restoration-flag", .usage)
}

extension Duration {
    /// The duration in milliseconds, to the microsecond.
    var milliseconds: Double {
        (seconds * 1e6).rounded() / 1e3
    }
}
