import UD2MFormats
import UD2MRuntime
import UD2MSampler

/// The work of `ud2m bench`.
struct BenchRun {
    let store: String
    let size: ImageSize?
    let batch: Int
    let runs: Int
    let compute: ComputeOptions
    let adapters: AdapterOptions
    let perOperation: Bool
    /// Where a table of measured algorithms goes.
    let tune: String?
    let overwrite: Bool
    let isQuiet: Bool

    /// Times the network.
    /// - Throws: ``UD2MFormats/UD2MError`` for a bad store, a size that the network cannot take, or one for which the
    ///   machine has too little memory.
    func execute(progress: any ProgressSink) throws -> BenchReport {
        let outputs = try OutputSet(
            [tune].compactMap(\.self), overwrite: overwrite,
            inputs: [store, compute.cpu.algorithms].compactMap(\.self) + adapters.files)
        let weights = try StoreInput.open(store)
        let target = try compute.target(isQuiet: isQuiet)
        let (subject, size) = try subject(weights, target)
        let profile = OperationProfile()
        // The run that warms up also counts the arithmetic.
        let counts = OperationProfile()
        try subject.run(counts)
        var seconds: [Double] = []
        var besides: [Double] = []
        let comparison = subject.adapters
        try comparison?.warmUp()
        for run in 0..<runs {
            try comparison?.measure()
            let before = profile.seconds
            seconds.append(try Self.seconds { try subject.run(perOperation ? profile : nil) })
            besides.append(seconds[run] - (profile.seconds - before))
            progress.update(Double(run + 1) / Double(runs), label: "timing")
        }
        target.noteDifferences(isQuiet: isQuiet)
        if let tune, let measure = subject.measureAlgorithms {
            try outputs.write([(tune, try AlgorithmFile.bytes(of: measure()))])
        }
        return BenchReport(
            store: store, architecture: weights.architecture?.family ?? "", target: target, threads: subject.threads,
            size: size, batch: batch, seconds: seconds,
            operations: counts.entries.reduce(0) { $0 + $1.operations },
            peak: subject.peakOperations(), networkBytes: subject.memoryInUse(),
            storeBytes: weights.safetensors.file.count, profile: perOperation ? profile.entries : nil,
            besides: perOperation ? besides : nil, adapters: comparison?.report)
    }

    /// How long some work takes.
    static func seconds(_ work: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try work()
        return (ContinuousClock.now - start).seconds
    }

    /// What is timed: a network, or RAM with the identity for its operator.
    private struct Subject {
        /// Bytes that the network holds after its runs.
        let memoryInUse: () -> Int
        /// The most operations a second that the threads reach; nil on a GPU.
        let peakOperations: () -> Double?
        /// Nil on a GPU.
        let threads: Int?
        let run: (OperationProfile?) throws -> Void
        var measureAlgorithms: (() throws -> AlgorithmTable)?
        var adapters: AdapterComparison?
    }

    private func subject(_ weights: WeightStore, _ target: ComputeTarget) throws -> (Subject, ImageSize) {
        if case .ram(let configuration) = weights.architecture {
            try adapters.requireNone(store)
            guard tune == nil else {
                throw UD2MError(
                    .benchTune, "The algorithms of a RAM network are not measured.", at: .init(file: store))
            }
            let size = size ?? ImageSize(height: 256, width: 256)
            try compute.cpu.requireNoAlgorithms(for: store)
            let network = try target.ramNetwork(weights)
            let shape = [batch, configuration.benchChannels, size.height, size.width]
            // Images come in and go out; the network itself takes one at a time.
            try MachineMemory.require(
                shape.productOrMaximum.multipliedOrMaximum(2 * MemoryLayout<Float>.stride),
                for: "A run on \(batch) images of \(size.height)×\(size.width) pixels")
            let problem = RAMProblem(observation: try noise(shape, 0))
            let subject = Subject(
                memoryInUse: { network.memoryInUse }, peakOperations: { network.peakOperations },
                threads: target.isCPU ? network.threads : nil,
                run: { _ = try network.run(problem, profile: $0) })
            return (subject, size)
        }
        let selections = try adapters.load(store: store)
        let network = try target.network(weights, merging: adapters.mode == .merged ? selections : [])
        let size = size ?? .standard(for: network.inputs)
        let inputs = try inputs(of: network, size)
        let comparison =
            adapters.mode == .side && !selections.isEmpty
            ? try AdapterComparison(network: network, inputs: inputs, selections: selections) : nil
        let host = network as? Network
        var subject = Subject(
            memoryInUse: { network.memoryInUse }, peakOperations: { host?.peakOperations }, threads: host?.threads,
            run: {
                _ = try network.run(
                    inputs, taps: [], adapters: comparison.map { .all($0.current) } ?? .none, profile: $0)
            })
        subject.adapters = comparison
        if let host { subject.measureAlgorithms = { try host.measureAlgorithms(inputs) } }
        return (subject, size)
    }

    private func inputs(of network: any RunnableNetwork, _ size: ImageSize) throws -> [String: Tensor] {
        var shapes: [String: [Int]] = [:]
        for input in network.inputs {
            switch input.kind {
            case .image(let channels, _): shapes[input.name] = [batch, channels, size.height, size.width]
            case .lowResolutionImage(let channels):
                shapes[input.name] = [batch, channels, max(1, size.height / 4), max(1, size.width / 4)]
            case .timestep, .classLabel: shapes[input.name] = [batch]
            }
        }
        // Planned before there is noise for it, so that what the machine cannot hold is refused at once.
        _ = try network.memoryNeeded(for: shapes)
        var inputs: [String: Tensor] = [:]
        for (index, input) in network.inputs.enumerated() {
            let shape = shapes[input.name] ?? []
            switch input.kind {
            case .image, .lowResolutionImage: inputs[input.name] = try noise(shape, UInt32(index))
            case .timestep: inputs[input.name] = try Tensor(shape: shape, repeating: 500)
            case .classLabel: inputs[input.name] = try Tensor(shape: shape, repeating: 0)
            }
        }
        return inputs
    }

    private func noise(_ shape: [Int], _ index: UInt32) throws -> Tensor {
        try PhiloxNoise(seed: 0).normals(.initialState, sample: index, shape: shape)
    }
}

extension UD2MError.Code {
    /// Algorithms were to be measured for a network that has none of its own.
    static let benchTune = UD2MError.Code("bench-tune", .usage)
}
