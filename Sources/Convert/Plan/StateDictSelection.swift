import UD2MFormats

/// The state dict of a checkpoint that a tool works on, whether or not a network is recognised in it.
public struct StateDictSelection: Sendable {
    /// Where the state dict is in the file.
    public let stateDict: StateDict
    /// What was taken off every name, such as `"module."`; often empty.
    public let prefix: String
    /// The tensors under their stripped names, in file order.
    public let tensors: [TensorSource]
    /// The network, when one is recognised.
    public let architecture: DetectedArchitecture?
    /// Why no network is recognised; ``comparison`` has the tensors that differ.
    public let unrecognised: UD2MError?

    /// Chooses a state dict: the one that fits a known network best, else the most plausible one.
    ///
    /// Plausible is what `torch.save` users call it, then what holds most bytes, then averaged weights; training state,
    /// discriminators and losses are taken only when nothing else is there (`formats.md` §9.1). Nil when the file holds no
    /// state dict.
    /// - Parameters:
    ///   - checkpoint: The described file.
    ///   - path: A state dict's path as a person writes it, such as `"state_dict"`; nil to choose.
    ///   - keepsPrefix: Whether names stay as they are in the file.
    ///   - options: What no tensor tells.
    /// - Throws: `state-dict-missing` when `path` names none.
    public init?(
        checkpoint: Checkpoint, select path: String? = nil, keepsPrefix: Bool = false,
        options: DetectionOptions = DetectionOptions()
    ) throws {
        let selector = StateDictSelector(options: options, describesFailures: false)
        do {
            let choice = try selector.choose(in: checkpoint, path: path).best
            stateDict = choice.stateDict
            prefix = keepsPrefix ? "" : choice.prefix
            tensors = keepsPrefix ? choice.stateDict.tensors : choice.tensors
            architecture = choice.architecture
            unrecognised = nil
            return
        } catch let error as UD2MError {
            if error.code == .stateDictMissing { throw error }
            guard let plausible = try Self.mostPlausible(in: checkpoint, selector: selector, path: path) else {
                return nil
            }
            stateDict = plausible
            architecture = nil
            unrecognised = error
        }
        (prefix, tensors) =
            keepsPrefix ? ("", stateDict.tensors) : StateDictSelector.strippingPrefixes(stateDict.tensors)
    }

    private static let usualNames: Set<String> = [
        "state_dict", "model_state_dict", "model", "net", "network", "params", "params_ema", "ema", "ema_state_dict",
        "model_ema", "g_ema", "module", "weights",
    ]
    private static let unusualBranches = ["discriminator", "netd", "loss"]

    private static func mostPlausible(
        in checkpoint: Checkpoint, selector: StateDictSelector, path: String?
    ) throws -> StateDict? {
        let eligible = try selector.eligible(in: checkpoint, path: path)
        let candidates = eligible.isEmpty ? checkpoint.stateDicts : eligible
        func rank(_ index: Int) -> (Int, Int, Int, Int) {
            let stateDict = candidates[index]
            let lowercased = stateDict.path.map { $0.lowercased() }
            let isUnusual = lowercased.contains { part in unusualBranches.contains { part.hasPrefix($0) } }
            let isUsual = stateDict.path.isEmpty || usualNames.contains(stateDict.path.last ?? "")
            let bytes = stateDict.tensors.reduce(0) { $0 &+ $1.byteCount }
            let isAveraged = lowercased.contains { $0.split(separator: "_").contains("ema") }
            return (isUnusual ? 0 : isUsual ? 2 : 1, bytes, isAveraged ? 1 : 0, -index)
        }
        let ranks = candidates.indices.map(rank)
        return ranks.indices.max { ranks[$0] < ranks[$1] }.map { candidates[$0] }
    }
}

extension StateDictSelection {
    /// How the state dict differs from the network found in it, or from the closest one when none is.
    public struct Comparison: Sendable {
        /// The first ten tensors that differ.
        public let mismatches: [TensorMismatch]
        /// How many differ.
        public let count: Int
        /// The published model that comes closest; nil when the state dict is a whole known network.
        public let closest: ClosestNetwork?
    }

    /// The comparison with the network, over headers only; computed anew each time.
    public var comparison: Comparison {
        var mismatches: [TensorMismatch] = []
        if let architecture {
            mismatches = TensorMatch(architecture, tensors: tensors).mismatches
            if mismatches.isEmpty { return Comparison(mismatches: [], count: 0, closest: nil) }
        } else if !Self.aboutTensors.contains(unrecognised?.code) {
            return Comparison(mismatches: [], count: 0, closest: nil)
        }
        let shapes = Dictionary(tensors.map { ($0.name, $0.shape) }) { first, _ in first }
        let closest = ClosestModel(shapes)
        if architecture == nil { mismatches = closest?.mismatches ?? [] }
        return Comparison(
            mismatches: Array(mismatches.prefix(UD2MError.mismatchLimit)), count: mismatches.count,
            closest: closest?.network)
    }

    /// Reasons for not recognising a network that a comparison with the published ones explains.
    private static let aboutTensors: [UD2MError.Code?] = [
        .architectureUnknown, .architectureTensorMissing, .architectureShape,
    ]
}

extension StateDictSelector {
    /// Takes off wrappers' prefixes that every name has, except for bookkeeping scalars.
    static func strippingPrefixes(_ tensors: [TensorSource]) -> (prefix: String, tensors: [TensorSource]) {
        var stripped = tensors
        var prefix = ""
        let wrapped = tensors.indices.filter { !bookkeeping.contains(tensors[$0].name) || tensors[$0].shape.count > 1 }
        while !wrapped.isEmpty,
            let wrapper = prefixes.first(where: { wrapper in wrapped.allSatisfy { stripped[$0].name.hasPrefix(wrapper) }
            })
        {
            prefix += wrapper
            for index in wrapped { stripped[index].name = stripped[index].name.dropFirst(wrapper.utf8.count) }
        }
        // A name that would be taken twice keeps them all as they are.
        guard Set(stripped.map(\.name)).count == stripped.count else { return ("", tensors) }
        return (prefix, stripped)
    }
}
