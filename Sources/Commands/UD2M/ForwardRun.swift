import UD2MFormats
import UD2MRuntime

/// The work of `ud2m forward`.
struct ForwardRun {
    /// The result (`schemas/forward.schema.json`).
    struct Report: Encodable {
        struct Output: Encodable {
            let name: String
            let shape: [Int]
            /// How many of its numbers are NaN or infinite.
            let notFinite: Int

            init(_ name: String, _ tensor: Tensor) {
                self.name = name
                shape = tensor.shape
                notFinite = tensor.values.count { !$0.isFinite }
            }
        }

        /// An adapter that the network ran with.
        struct Adapter: Encodable {
            let file: String
            let weight: Double
            /// Tensors that it changes.
            let tensors: Int
        }

        let tool = "ud2m forward"
        let version = Version.current
        let store: String
        /// Where the network ran: "cpu" or "cuda:0".
        let device: String
        /// What libraries computed; nil where none was asked for.
        let accelerators: [AcceleratorReport]?
        let output: String
        /// Nil where none was named, as the next.
        let adapters: [Adapter]?
        let adapterMode: String?
        let outputs: [Output]
        let milliseconds: Double
    }

    let store: String
    let input: String
    let output: String
    let taps: [String]
    let adapters: AdapterOptions
    let restoration: RestorationFlags
    let compute: ComputeOptions
    let isQuiet: Bool
    let overwrite: Bool

    /// Runs the network once and writes `out` and the taps.
    /// - Throws: ``UD2MFormats/UD2MError`` for bad files, missing inputs, and an existing output.
    func execute() throws -> Report {
        let factories = try restoration.operatorFiles.map { try OperatorFactory(file: $0) }
        let inputFiles = [store, input] + adapters.files + factories.flatMap(\.files)
        try OutputFile.requireWritable(output, overwrite: overwrite, inputs: inputFiles)
        let weights = try StoreInput.open(store)
        if case .ram = weights.architecture { try adapters.requireNone(store) }
        let selections = try adapters.load(store: store)
        let target = try compute.target(isQuiet: isQuiet)
        let run = try prepare(weights, selections, factories.flatMap(\.parts), target)
        // Taps may be spelled as the tensors of a golden file, with a leading "act/".
        var seen: Set<String> = []
        let taps = taps.filter { seen.insert($0).inserted }
        let modules = taps.map { $0.hasPrefix("act/") ? String($0.dropFirst(4)) : $0 }
        let start = ContinuousClock.now
        let results = try located { try run(modules) }
        let elapsed = ContinuousClock.now - start
        target.noteDifferences(isQuiet: isQuiet)

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
            store: store, device: target.name, accelerators: target.accelerators, output: output,
            adapters: selections.isEmpty
                ? nil
                : zip(adapters.adapters, selections).map {
                    .init(file: $0.path, weight: $0.weight, tensors: $1.adapter.changes.count)
                },
            adapterMode: selections.isEmpty ? nil : adapters.mode.rawValue, outputs: tensors.map { .init($0, $1) },
            milliseconds: elapsed.milliseconds)
    }

    /// Loads the network and reads its inputs; the result runs it once and gives `out` and the taps.
    private func prepare(
        _ weights: WeightStore, _ selections: [AdapterSelection], _ factories: [OperatorFactory],
        _ target: ComputeTarget
    ) throws -> (_ taps: [String]) throws -> [String: Tensor] {
        if case .ram = weights.architecture {
            try compute.cpu.requireNoAlgorithms(for: store)
            let network = try target.ramNetwork(weights)
            let problem = try RAMInputs(
                file: InputTensors(path: input), factories: factories, flags: restoration
            ).problem()
            return { try network.run(problem, flavour: restoration.flavour, taps: $0) }
        }
        if let flag = restoration.firstFlag {
            throw UD2MError(
                .restorationFlag, "\(flag) is for RAM networks, and this is another one.", at: .init(file: store))
        }
        let network = try target.network(weights, merging: adapters.mode == .merged ? selections : [])
        let applied: BatchAdapters =
            adapters.mode == .side && !selections.isEmpty ? .all(try network.adapterSet(selections)) : .none
        let inputs = try readInputs(of: network)
        return { try network.run(inputs, taps: $0, adapters: applied, profile: nil) }
    }

    /// Says what is wrong with an input with the input file's name.
    private func located<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as UD2MError {
            // Taps are the network's, all else that a run refuses is in the input.
            throw error.located(in: .init(file: error.code == .tapUnknown ? store : input))
        }
    }

    private func readInputs(of network: any RunnableNetwork) throws -> [String: Tensor] {
        let file = try InputTensors(path: input)
        var inputs: [String: Tensor] = [:]
        for name in network.inputs.map(\.name) { inputs[name] = try file.require(name) }
        return inputs
    }
}

extension ForwardRun.Report {
    /// Says on standard error that a network gave no numbers: its inputs are finite, so that its weights are the cause.
    func warn() {
        guard let first = outputs.first(where: { $0.notFinite > 0 }) else { return }
        StandardError.print(
            "warning: \(ByteText.grouped(first.notFinite)) numbers of \(first.name.escapedForDisplay) are NaN or infinite, "
                + "although the inputs are finite: "
                + (device == "cpu"
                    ? "look" : "beyond 65504 numbers are infinite in fp16, so try --precision bf16 or fp32, or look")
                + " for such weights with ud2m-convert stat \(store.escapedForDisplay)")
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
